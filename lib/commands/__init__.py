"""The commands of ``python -m lib``: each module has HELP, ``configure(parser)`` and ``run(args, store)``."""
