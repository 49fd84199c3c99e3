package fault

// Problem is one mistake in a document: Path is a dotted path such as where.all[1].event, Message one sentence that says what is wrong and the way out.
type Problem struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}
