"""One loader for every data set of the course, with a record of where the data came from."""
