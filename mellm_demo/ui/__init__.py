"""The page: the only part that imports Gradio."""
