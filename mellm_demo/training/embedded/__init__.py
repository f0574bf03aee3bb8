"""The small vision-language model: its shape, its start, its images, its checkpoints, its way to 4 bits.

``recipe`` one file of settings · ``stream`` endless maps · ``tower`` the eye and what it is first taught ·
``checkpoint`` states that survive a kill · ``model`` tower + projector + language model · ``quantise`` Q4_0 as training
and llama.cpp both do it.
"""
