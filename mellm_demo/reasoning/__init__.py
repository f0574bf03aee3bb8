"""Words about an analysis: the Reasoner protocol and those who implement it. Knows nothing of pixels or Gradio."""
