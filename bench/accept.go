package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// accept measures durable intake. The collect role runs alone: what happens to
// the events afterwards is endToEnd's.
func accept(ctx context.Context, o options) error {
	for _, connections := range []int{16, 64, 256} {
		peer, err := loadBare(ctx, o, connections)
		if err != nil {
			return err
		}
		ours, err := loadParley(ctx, o, load{path: "/v1/track", connections: connections, body: single(fmt.Sprint("s", connections))})
		if err != nil {
			return err
		}
		name := fmt.Sprintf("single events, %d connections", connections)
		budget := map[int]string{64: "0.5 must, 0.7 aim", 256: "0.75 must, 0.9 aim"}[connections]
		err = errors.Join(
			emit(figure{"accept", name, ours.rate(), "events/s", "bare HTTP server in the same run", ours.rate() / peer.rate(), budget}),
			emit(figure{Bench: "accept", Metric: name + ", p99", Value: ms(ours.quantile(.99)), Unit: "ms", Against: "bare HTTP server in the same run",
				Ratio: ms(ours.quantile(.99)) / ms(peer.quantile(.99))}))
		if err != nil {
			return err
		}
	}
	const size = 100
	ours, err := loadParley(ctx, o, load{path: "/v1/batch", connections: 16, body: batch(size, "b")})
	if err != nil {
		return err
	}
	return errors.Join(
		emit(figure{Bench: "accept", Metric: "batches of 100, 16 connections", Value: ours.rate() * size, Unit: "events/s",
			Against: "RudderStack 1.83 on such a machine (DESIGN §8)", Ratio: ours.rate() * size / 28000, Budget: "110000 must, 200000 aim"}),
		emit(figure{Bench: "accept", Metric: "batches of 100, 16 connections, p99", Value: ms(ours.quantile(.99)), Unit: "ms", Budget: "100 must"}))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func loadBare(ctx context.Context, o options, connections int) (*figures, error) {
	p, err := bare(ctx)
	if err != nil {
		return nil, err
	}
	f, err := load{address: p.address, path: "/v1/track", connections: connections, duration: o.length(), body: single("p")}.run(ctx)
	return f, errors.Join(err, p.stop())
}

func (o options) length() time.Duration { return time.Duration(o.seconds) * time.Second }

func loadParley(ctx context.Context, o options, l load) (*figures, error) {
	p, err := parley(ctx, o, "--roles", "collect,api")
	if err != nil {
		return nil, err
	}
	l.address, l.duration = p.address, o.length()
	f, err := l.run(ctx)
	if err == nil && f.failures > 0 {
		err = fmt.Errorf("%d requests were refused: %s", f.failures, p.errors.String())
	}
	return f, errors.Join(err, p.stop())
}
