"""``python -m mellm_demo.training.synthesis``: hands over to the command and knows nothing else."""

from mellm_demo.training.synthesis.command import main

if __name__ == "__main__":
    raise SystemExit(main())
