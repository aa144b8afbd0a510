"""The maintainer's commands: run the course, write its outputs, restamp its links, test its tests."""
