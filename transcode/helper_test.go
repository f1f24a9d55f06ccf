package transcode

// helper plays a part of another program.
func helper(part string) int { return 1 }
