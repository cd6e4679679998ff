"""What a person types behind `fourfold`: one file for each noun, put together in `runtime/cli.py`."""
