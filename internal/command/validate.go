package command

import "parley/internal/workspace"

type validateCommand struct {
	Dir string `arg:"" help:"Workspace folder."`
}

type validateAnswer struct {
	Valid   bool              `json:"valid"`
	Objects map[string]int    `json:"objects,omitempty"`
	Issues  []workspace.Issue `json:"issues"`
}

// Run checks a workspace folder.
func (c *validateCommand) Run(s *session) error {
	_, w, issues, err := parseFolder(c.Dir)
	if err != nil {
		return err
	}
	answer := validateAnswer{Valid: len(issues) == 0, Issues: append([]workspace.Issue{}, issues...)}
	if !answer.Valid {
		if s.JSON {
			if err := writeJSON(s.Stdout, answer); err != nil {
				return err
			}
		}
		return &invalidWorkspace{dir: c.Dir, issues: issues}
	}
	t := &table{head: []string{"KIND", "NUMBER"}}
	answer.Objects = map[string]int{}
	for _, k := range kinds(w) {
		answer.Objects[k.name] = k.n
		t.row(k.name, k.n)
	}
	t.say("The workspace is valid.")
	return s.print(answer, t)
}

type kindCount struct {
	name string
	n    int
}

// kinds counts the objects of a workspace, in the order people read them.
func kinds(w *workspace.Workspace) []kindCount {
	return []kindCount{
		{"teams", len(w.Teams)}, {"terms", len(w.Terms)}, {"sources", len(w.Sources)}, {"contracts", len(w.Contracts)},
		{"traits", len(w.Traits)}, {"purposes", len(w.Purposes)}, {"audiences", len(w.Audiences)},
		{"destinations", len(w.Destinations)}, {"activations", len(w.Activations)}, {"forms", len(w.Forms)},
	}
}
