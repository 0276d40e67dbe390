"""Runs the simulator's command line: `python -m simulator people | fest | watch | demo`."""

from simulator.cli.app import app

if __name__ == "__main__":
    app(prog_name="python -m simulator")
