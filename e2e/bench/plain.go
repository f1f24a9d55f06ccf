//go:build linux

package main

import (
	"context"
	"flag"
	"io"
	"net"
	"net/http"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// servePlain is a WHEP server of the usual kind: one TrackLocalStaticRTP for
// video and one for audio, a PeerConnection for each viewer, the default codecs
// and interceptors.
func servePlain(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("plain", flag.ContinueOnError)
	addr := f.String("http", "127.0.0.1:0", "address of the WHEP endpoint")
	clip := f.String("clip", "", "FLV file to play")
	if err := f.Parse(args); err != nil {
		return err
	}
	video, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "video", "plain")
	if err != nil {
		return err
	}
	audio, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "plain")
	if err != nil {
		return err
	}
	api, err := plainAPI()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: plainHandler(api, video, audio)}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	return feed(ctx, *clip, plainWriter(video), plainWriter(audio))
}

func plainAPI() (*webrtc.API, error) {
	media, registry := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(media, registry); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings)), nil
}

func plainWriter(t *webrtc.TrackLocalStaticRTP) func(uint32, [][]byte) error {
	sequence := uint16(0)
	return func(timestamp uint32, payloads [][]byte) error {
		for i, payload := range payloads {
			// An error is one viewer's; the others have got the packet.
			_ = t.WriteRTP(&rtp.Packet{
				Header: rtp.Header{
					Version: 2, SequenceNumber: sequence, Timestamp: timestamp, Marker: i == len(payloads)-1,
				},
				Payload: payload,
			})
			sequence++
		}
		return nil
	}
}

func plainHandler(api *webrtc.API, tracks ...webrtc.TrackLocal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost { // sessions end by themselves
			return
		}
		offer, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		answer, err := plainViewer(api, string(offer), tracks)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/sdp")
		w.Header().Set("Location", "/whep/session")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer)
	}
}

func plainViewer(api *webrtc.API, offer string, tracks []webrtc.TrackLocal) (string, error) {
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateDisconnected {
			go pc.Close()
		}
	})
	for _, t := range tracks {
		sender, err := pc.AddTrack(t)
		if err != nil {
			return "", err
		}
		go func() { // the interceptors see what is read
			buf := make([]byte, 1500)
			for {
				if _, _, err := sender.Read(buf); err != nil {
					return
				}
			}
		}()
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}
