package command

import "runtime"

type versionCommand struct{}

type versionAnswer struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (s *session) version() versionAnswer {
	return versionAnswer{s.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
}

// Run prints the version.
func (versionCommand) Run(s *session) error {
	v := s.version()
	t := &table{}
	t.say("parley %s (%s, %s)", v.Version, v.Go, v.Platform)
	return s.print(v, t)
}
