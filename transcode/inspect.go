package transcode

import "context"

// Inspect finds an ffmpeg and says whether it has the encoder for video, or in
// one sentence what is wrong with either.
func Inspect(ctx context.Context, name, videoEncoder string) (version string, video bool, err error) {
	path, version, err := check(ctx, name)
	if err != nil {
		return "", false, err
	}
	if checkEncoder(ctx, path, videoEncoder) != nil {
		return version, false, nil
	}
	if videoEncoder != X264 {
		err = tryHardware(ctx, path, videoEncoder)
	}
	return version, true, err
}
