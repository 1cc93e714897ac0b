"""Lies beside the notebooks: they import it."""

VALUE = 1


def double(number):
    return 2 * number


def fail(number):
    if number:
        raise ArithmeticError(f"{number} is not it")
