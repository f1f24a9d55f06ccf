package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/access"
	"github.com/sluice-media/sluice/admin"
	"github.com/sluice-media/sluice/contribute"
	"github.com/sluice-media/sluice/doctor"
	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/metrics/meter"
	"github.com/sluice-media/sluice/rtc"
	"github.com/sluice-media/sluice/transcode"
	"github.com/sluice-media/sluice/turn"
	"github.com/sluice-media/sluice/whip"
	"github.com/sluice-media/sluice/whip/player"
)

// serve runs the gateway until ctx is done or a part of it fails, and ends it
// in order. Every socket is bound before it says that it is ready.
func serve(ctx context.Context, opts options, logger *slog.Logger, stdout io.Writer) error {
	g := &gateway{
		opts:     opts,
		logger:   logger,
		registry: prometheus.NewRegistry(),
		seats:    &access.Seats{Replace: opts.TakeOver == "replace"},
		failed:   make(chan error, 5), // one for each server, so that none waits
	}
	err := g.start(ctx)
	if err == nil {
		g.phase.set(ready)
		g.welcome(stdout)
		err = g.wait(ctx)
	}
	g.phase.set(draining)
	if err = errors.Join(err, g.stop(context.WithoutCancel(ctx))); err == nil {
		logger.Info("stopped")
	}
	return err
}

// gateway is the running program. Its parts start from the bottom up and stop
// in the opposite order.
type gateway struct {
	opts     options
	logger   *slog.Logger
	registry *prometheus.Registry

	phase   phase
	parts   stack
	servers sync.WaitGroup
	failed  chan error // what a server's Serve returned

	metrics *metrics.Metrics
	gate    *access.Gate
	pool    *transcode.Pool // nil: --video-only
	rtc     *rtc.Transport
	egress  *egress.Server
	stage   *stage
	rtmp    net.Listener
	rtmps   net.Listener // nil: no --rtmps-addr
	web     net.Listener
	webTLS  net.Listener // nil: no --https-addr
	admin   net.Listener

	turn      *turn.Credentials // nil: no TURN
	turnPorts turnPorts

	adminMux *http.ServeMux
	seats    *access.Seats
	until    atomic.Pointer[time.Time] // the end of a drain; nil: there is none

	identity identity // nil: no --tls-cert and no --acme-domain
}

func (g *gateway) start(ctx context.Context) error {
	g.metrics = metrics.New(g.registry)
	for _, part := range []func(context.Context) error{
		g.startAdmin, g.startIdentity, g.startGate, g.startTranscode, g.startRTC, g.startTURN, g.startWeb, g.startIngest, g.startAPI,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (g *gateway) startAdmin(context.Context) (err error) {
	if g.admin, err = listen("--admin-addr", g.opts.AdminAddr); err != nil {
		return err
	}
	g.adminMux = newAdminMux(&g.phase, metrics.Handler(g.registry))
	g.serveHTTP("admin", g.admin, newAdminServer(g.adminMux, g.logger))
	return nil
}

// startAPI adds to the admin port what needs all other parts.
func (g *gateway) startAPI(context.Context) error {
	g.adminMux.Handle("/api/", admin.New(admin.Config{Server: g.egress, Seats: g.seats, Drain: g.drain}))
	return nil
}

func (g *gateway) startTranscode(ctx context.Context) (err error) {
	if g.opts.VideoOnly {
		g.logger.Warn("running without ffmpeg: AAC sound is dropped, and pictures with B-frames pass as they are")
		return nil
	}
	g.pool, err = transcode.NewPool(context.WithoutCancel(ctx), transcode.Config{
		FFmpeg:       g.opts.FFmpeg,
		MaxProcesses: g.opts.MaxFFmpeg,

		BFrames:          transcode.Policy(g.opts.BFrames),
		VideoEncoder:     g.opts.VideoEncoder,
		MaxVideoEncoders: g.opts.MaxVideoEncoders,

		Logger:  g.logger,
		Metrics: g.metrics,
	})
	if err != nil {
		return fmt.Errorf("%w, or start with --video-only", err)
	}
	g.parts.push("transcode", func(context.Context) error { return g.pool.Close() })
	return nil
}

// startWeb binds the viewers' ports. The HTTP server is below egress, so that
// viewers are gone before it waits for its last requests.
func (g *gateway) startWeb(context.Context) (err error) {
	if g.web, err = listen("--http-addr", g.opts.HTTPAddr); err != nil {
		return err
	}
	g.egress = egress.New(egress.Config{
		Transport:        g.rtc,
		MaxViewers:       g.opts.MaxViewers,
		MaxStreamViewers: g.opts.MaxStreamViewers,
		Grace:            g.opts.ReconnectGrace,
		WaitForIDR:       g.opts.WaitForKeyframe,
		Logger:           g.logger,
		Metrics:          g.metrics,
	})
	signal := whip.New(whip.Config{
		Server:         g.egress,
		Authorize:      g.authorize,
		Visible:        g.visible,
		ICEServers:     g.iceServers,
		Origins:        g.opts.AllowOrigin,
		JoinsPerSecond: g.opts.MaxJoinsPerSecond,
		MaxPerAddress:  g.opts.MaxViewersPerAddress,
		Wait:           g.opts.WaitingRoom,
		Metrics:        g.metrics,
		Logger:         g.logger,
	})
	g.stage = &stage{g.gate, g.seats, g.egress, g.pool}
	publishers := contribute.New(contribute.Config{
		Transport:     g.rtc,
		Admit:         g.stage.overWHIP,
		MaxPublishers: g.opts.MaxConnections,
		MaxPerAddress: g.opts.MaxPerAddress,
		IdleTimeout:   g.opts.PublisherTimeout,
		MaxBitrate:    int(g.opts.MaxBitrate),
		MaxResolution: meter.Resolution(g.opts.MaxResolution),
		Logger:        g.logger,
		Metrics:       g.metrics,
	})
	studio := whip.NewIngest(whip.IngestConfig{
		Server:             publishers,
		ICEServers:         g.iceServers,
		MayPublish:         g.mayPublish,
		Origins:            g.opts.AllowOrigin,
		PublishesPerSecond: g.opts.MaxJoinsPerSecond,
		Metrics:            g.metrics,
		Logger:             g.logger,
	})
	mux := http.NewServeMux()
	mux.Handle("/whep/", signal)
	mux.Handle("/whip/", studio)
	mux.Handle("/api/", signal)
	tests := doctor.New(g.rtc, g.doctorServers)
	mux.Handle("/doctor/session", tests)
	mux.Handle("/", player.Handler(g.opts.AllowOrigin...))
	if err := g.serveWeb(mux); err != nil {
		return errors.Join(err, g.web.Close())
	}
	g.parts.push("doctor", func(context.Context) error { return tests.Close() })
	g.parts.push("sessions", func(context.Context) error { return signal.Close() })
	g.parts.push("egress", func(context.Context) error { return g.egress.Close() })
	g.parts.push("whip", func(context.Context) error { return errors.Join(publishers.Close(), studio.Close()) })
	return nil
}

func (g *gateway) startIngest(context.Context) (err error) {
	if g.rtmp, err = listen("--rtmp-addr", g.opts.RTMPAddr); err != nil {
		return err
	}
	listeners := []net.Listener{g.rtmp}
	if g.opts.RTMPSAddr != "" {
		if g.rtmps, err = listen("--rtmps-addr", g.opts.RTMPSAddr); err != nil {
			return errors.Join(err, g.rtmp.Close())
		}
		listeners = append(listeners, tls.NewListener(g.rtmps, g.identity.config()))
	}
	server, err := ingest.New(ingest.Config{
		Publish:         g.stage.overRTMP,
		MaxConnections:  g.opts.MaxConnections,
		MaxPerAddress:   g.opts.MaxPerAddress,
		MaxCommand:      int(g.opts.MaxCommand),
		AMF:             amf0.Limits{Depth: g.opts.MaxAMFDepth, Values: g.opts.MaxAMFValues},
		MaxMessage:      int(g.opts.MaxMessage),
		MaxMemory:       int(g.opts.MaxIngestMemory),
		MaxChunkStreams: g.opts.MaxChunkStreams,
		MaxBitrate:      int(g.opts.MaxBitrate),
		MaxResolution:   meter.Resolution(g.opts.MaxResolution),
		PublishTimeout:  g.opts.PublishTimeout,
		IdleTimeout:     g.opts.PublisherTimeout,
		Logger:          g.logger,
		Metrics:         g.metrics,
	})
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return fmt.Errorf("start ingest: %w", err)
	}
	for _, l := range listeners {
		g.servers.Go(func() { g.failed <- fmt.Errorf("rtmp server: %w", server.Serve(l)) })
	}
	g.parts.push("ingest", func(context.Context) error { return server.Close() })
	return nil
}

func (g *gateway) serveHTTP(name string, l net.Listener, s *http.Server) {
	g.servers.Go(func() { g.failed <- fmt.Errorf("%s server: %w", name, s.Serve(l)) })
	g.parts.push(name, func(ctx context.Context) error { return endHTTP(ctx, s) })
}

// wait returns nil when ctx is done or a drain is over, or why a server ended
// before.
func (g *gateway) wait(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-g.failed:
			return err
		case <-ctx.Done():
			g.logger.Info("shutting down", "cause", context.Cause(ctx), "within", g.opts.ShutdownTimeout)
			return nil
		case now := <-ticker.C:
			if g.drained(now) {
				g.logger.Info("shutting down", "cause", "drained", "within", g.opts.ShutdownTimeout)
				return nil
			}
		}
	}
}

// stop ends the parts in order: publishers, hubs and viewers, HTTP, ffmpeg.
func (g *gateway) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.opts.ShutdownTimeout)
	defer cancel()
	if err := g.parts.close(ctx, g.logger); err != nil {
		return err
	}
	g.servers.Wait()
	return nil
}
