"""Looking at audio without downloading it: an interface (`base`) and FFmpeg's readers through PyAV (`pyav`)."""
