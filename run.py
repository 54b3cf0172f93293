"""One entry point for every node and every process: `python run.py --help`."""

from selfservice.node.cli import main

if __name__ == "__main__":
    main()
