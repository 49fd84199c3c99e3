// Command bench measures the real binary against the budgets of DESIGN §8. Each
// figure is one JSON object a line, with the peer or limit measured in the same
// run beside it: machines differ and are noisy, ratios travel.
//
//	make bench-accept      accepted events a second, against a bare HTTP server
//	make bench-endtoend    accepted until people, audiences and lake have them
//	make bench-import      rows a second of a customer table
//	make bench-footprint   start time, idle memory and processor
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

type options struct {
	binary    string
	workspace string
	dir       string
	seconds   int
}

// figure is one printed result.
type figure struct {
	Bench   string  `json:"bench"`
	Metric  string  `json:"metric"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Against string  `json:"against,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"`
	Budget  string  `json:"budget,omitempty"`
}

func emit(f figure) error { return json.NewEncoder(os.Stdout).Encode(f) }

func main() {
	o := options{}
	flag.StringVar(&o.binary, "binary", "bin/parley", "the built binary")
	flag.StringVar(&o.workspace, "workspace", "bench/workspace", "the workspace to apply")
	flag.StringVar(&o.dir, "dir", "", "where data folders are made (default: the system's temporary folder)")
	flag.IntVar(&o.seconds, "seconds", 10, "length of one load")
	flag.Parse()
	benches := map[string]func(context.Context, options) error{
		"accept": accept, "endtoend": endToEnd, "import": importing, "footprint": footprint,
		"bare": func(context.Context, options) error { return serveBare() },
	}
	run, ok := benches[flag.Arg(0)]
	if !ok {
		fmt.Fprintln(os.Stderr, "bench: name one of accept, endtoend, import, footprint")
		os.Exit(2)
	}
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// serveBare is the peer: it reads the body and answers 200.
func serveBare() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"success":true}`) // the client sees a short answer
	})}
	return server.Serve(l)
}
