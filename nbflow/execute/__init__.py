"""Running a try in processes of its own: a description goes in, a description comes out."""
