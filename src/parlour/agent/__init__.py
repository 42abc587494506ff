"""Agents outside the server: a person's terminal and robots. They know the public API and nothing else."""
