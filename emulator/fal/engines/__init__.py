"""What listens to the audio. `base` is the interface; `whisper` really recognises, `scripted` makes words up."""
