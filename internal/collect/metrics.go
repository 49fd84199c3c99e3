package collect

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters. They carry no source and no path: what came from
// whom is counted from the journal (I2).
type metrics struct {
	requests *prometheus.CounterVec
	success  prometheus.Counter // requests with code 200
	events   prometheus.Counter
	bytes    prometheus.Counter
}

func newMetrics(registry *prometheus.Registry) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_collect_requests_total", Help: "Requests answered, by HTTP status code.",
		}, []string{"code"}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "parley_collect_events_total", Help: "Events that are durable in the journal and were answered so.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "parley_collect_body_bytes_total", Help: "Bytes of request bodies as received, refused ones included.",
		}),
	}
	m.success = m.requests.WithLabelValues("200")
	if registry != nil {
		registry.MustRegister(m.requests, m.events, m.bytes)
	}
	return m
}

func (m *metrics) answered(code int) {
	if code == 200 {
		m.success.Inc()
		return
	}
	m.requests.WithLabelValues(strconv.Itoa(code)).Inc()
}
