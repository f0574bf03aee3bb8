"""How weights and numbers came to be: synthetic clips, training, evaluation. The app never imports this."""
