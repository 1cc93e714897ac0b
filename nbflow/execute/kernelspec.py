"""The Jupyter kernels that are registered on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import OptionError

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

_UNKNOWN = (
    "there is no kernel {name!r} here. There are: {known}; `jupyter kernelspec list` shows where they lie."
)
_LANGUAGE = "the kernel {name!r} runs {language}; nbflow runs Python notebooks only"
_IN_MEMORY = "--HistoryManager.hist_file=:memory:"


def kernel_spec(name: str) -> KernelSpec:
    """How a kernel is started; `python3` is the Python that nbflow runs in, whatever else has that name.

    Raises:
        OptionError: there is no such kernel, or it isn't Python.
    """
    from ipykernel.kernelspec import KERNEL_NAME, RESOURCES, get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

    if name in ("", KERNEL_NAME):
        spec = KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())
    else:
        registered = KernelSpecManager()
        try:
            spec = registered.get_kernel_spec(name)
        except NoSuchKernel:
            known = ", ".join(sorted({KERNEL_NAME, *registered.find_kernel_specs()}))
            raise OptionError(_UNKNOWN.format(name=name, known=known)) from None
        if spec.language.lower() != "python":
            raise OptionError(_LANGUAGE.format(name=name, language=spec.language))
    if any("ipykernel" in argument for argument in spec.argv):
        spec.argv = [*spec.argv, _IN_MEMORY]  # tries would write into the person's history
    return spec
