"""`python -m vecattr.cli`, which `torchrun -m vecattr.cli train` needs."""

from vecattr.cli.main import main

if __name__ == "__main__":
    main()
