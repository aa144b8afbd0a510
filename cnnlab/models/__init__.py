"""The architectures of the course, one file a family, built from Keras layers."""
