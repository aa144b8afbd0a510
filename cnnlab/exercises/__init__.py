"""Exercises: statement, stub, hint, solution and check of each, in one place a chapter."""
