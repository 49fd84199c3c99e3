package command

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/user"
	"strings"
	"time"

	"parley/client"
	"parley/internal/fault"
	"parley/internal/server"
)

// connect returns a client of the server that the command asks and what is to be
// called when the command is done. A server in this process only answers: it
// processes nothing and hands nothing over.
func (s *session) connect(ctx context.Context) (*client.Client, func() error, error) {
	return s.reach(ctx, server.RoleAPI)
}

// connectToWork is connect for commands that change something: a server in this
// process does all its work, and what was begun is finished before it stops.
func (s *session) connectToWork(ctx context.Context) (*client.Client, func() error, error) {
	return s.reach(ctx, everything...)
}

// everything is all that a server does.
var everything = []string{server.RoleCollect, server.RoleWork, server.RoleAPI}

func (s *session) reach(ctx context.Context, roles ...string) (*client.Client, func() error, error) {
	url := s.Server
	if url == "" && server.Locked(s.Data) {
		var err error
		if url, err = addressOf(ctx, s.Data); err != nil {
			return nil, nil, err
		}
	}
	if url != "" {
		api, err := s.dial(url)
		return api, func() error { return nil }, err
	}
	l, err := s.inProcess(ctx, roles...)
	if err != nil {
		return nil, nil, err
	}
	api, err := s.dial(l.URL())
	if err != nil {
		return nil, nil, errors.Join(err, l.stop())
	}
	if len(roles) == 1 {
		return api, l.stop, nil
	}
	return api, func() error { return errors.Join(l.Idle(ctx), l.stop()) }, nil
}

// A server that was just started holds the lock before it can be asked.
const (
	startTerm = 10 * time.Second
	startLook = 50 * time.Millisecond
)

// addressOf returns the URL of the server that uses a data folder. It waits a
// little for one that is starting.
func addressOf(ctx context.Context, data string) (string, error) {
	for deadline := time.Now().Add(startTerm); ; {
		raw, err := os.ReadFile(server.AddressFile(data))
		if url := strings.TrimSpace(string(raw)); err == nil && url != "" {
			return url, nil
		}
		if time.Now().After(deadline) || !server.Locked(data) {
			return "", fault.WrapAs(fault.Unavailable, "command.connect", err,
				"Another parley was using %s and did not serve; try again when it is done.", data)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(startLook):
		}
	}
}

// remote says whether another process is to be asked.
func (s *session) remote() bool { return s.Server != "" || server.Locked(s.Data) }

// inProcess starts a quiet server for as long as the command runs.
func (s *session) inProcess(ctx context.Context, roles ...string) (*local, error) {
	if _, err := os.Stat(s.Data); err != nil && len(roles) == 1 {
		return nil, fault.WrapAs(fault.NotFound, "command.connect", err,
			"There is no data folder %s yet; parley apply makes one, or name another with --data.", s.Data)
	}
	return startLocal(ctx, server.Config{Data: s.Data, Listen: "127.0.0.1:0", Getenv: s.ownEnv, Roles: roles})
}

// ownEnv is the environment of a server in this process: its token is ours.
func (s *session) ownEnv(name string) string {
	if name == "PARLEY_TOKEN" {
		return s.Token
	}
	return s.Getenv(name)
}

// dial returns a client with the token given, or that of the data folder.
func (s *session) dial(url string) (*client.Client, error) {
	token := s.Token
	if token == "" {
		raw, err := os.ReadFile(server.TokenFile(s.Data))
		if err != nil {
			return nil, fault.WrapAs(fault.Denied, "command.connect", err, "A token is needed: give --token, or --data of the server on this machine.")
		}
		token = strings.TrimSpace(string(raw))
	}
	// No time limit of its own: a plan over everybody may take long, and Ctrl-C ends it.
	return client.New(url, token, client.WithHTTPClient(&http.Client{})), nil
}

// user is who gives the command, as this machine knows them.
func (s *session) user() string {
	if name := s.Getenv("USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// kindsByName are the kinds as the API names them.
var kindsByName = func() map[string]fault.Kind {
	out := map[string]fault.Kind{}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		out[k.String()] = k
	}
	return out
}()

// classified makes what the client returned a fault, so that an error means the
// same whether it came over HTTP or not.
func classified(err error) error {
	var answer *client.Error
	var network net.Error
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &answer):
		return fault.WrapAs(kindsByName[answer.Kind], "command.api", err, "%s", answer.Message)
	case errors.As(err, &network) && fault.KindOf(err) == fault.Internal:
		return fault.WrapAs(fault.Unavailable, "command.api", err, "The server cannot be reached; check --server and whether it runs.")
	}
	return err
}
