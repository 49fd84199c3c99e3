package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits on what is read, so that a hostile document ends in a sentence.
const (
	maxFile  = 1 << 20
	maxDepth = 64
	// The library's time grows with the square of a file's lines and words: a
	// minute and more for 1 MiB of short ones, under a second within these.
	maxLines = 10_000
	maxWords = 60_000
)

// mistake is one place of a file that cannot be read, and the way out.
type mistake struct {
	line    int
	path    string
	message string
}

// parsed is one document, with the places in it that YAML allows and we do not.
type parsed struct {
	value
	mistakes []mistake
}

// parse reads the documents of one file, or says why it is no YAML.
func parse(data []byte) ([]parsed, *mistake) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	// One kind of line end, as YAML asks for; the library miscounts others.
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if len(data) > maxFile {
		return nil, &mistake{message: "The file is larger than 1 MiB; split it, a workspace may have many files."}
	}
	if bytes.Count(data, []byte{'\n'}) > maxLines {
		return nil, &mistake{line: maxLines + 1, message: fmt.Sprintf("The file has more than %d lines; split it, a workspace may have many files.", maxLines)}
	}
	if wrong := notText(data); wrong != nil {
		return nil, wrong
	}
	tokens := lexer.Tokenize(string(data))
	if len(tokens) > maxWords {
		return nil, &mistake{line: tokens[maxWords].Position.Line, message: fmt.Sprintf("The file has more than %d words and signs; split it, a workspace may have many files.", maxWords)}
	}
	if line := tooDeep(tokens); line > 0 {
		return nil, &mistake{line: line, message: fmt.Sprintf("The document is nested more than %d levels deep; flatten it.", maxDepth)}
	}
	file, err := parseTokens(tokens)
	if err != nil {
		return nil, syntaxMistake(data, err)
	}
	var out []parsed
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		b := &builder{}
		root := b.value(doc.Body, "")
		out = append(out, parsed{root, b.mistakes})
	}
	return out, nil
}

// parseTokens turns a panic of the library into an error: what people upload
// must never stop the process, whatever the library has not thought of.
func parseTokens(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			file, err = nil, errors.New("the parser gave up")
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// notText reports the first line that is not UTF-8 or holds a control character,
// which YAML forbids and editors hide.
func notText(data []byte) *mistake {
	for i, line := range bytes.Split(data, []byte{'\n'}) {
		if !utf8.Valid(line) {
			return &mistake{line: i + 1, message: "This line is not UTF-8; save the file in that encoding."}
		}
		if bytes.ContainsFunc(line, isControl) || bytes.ContainsRune(line, '\r') {
			return &mistake{line: i + 1, message: "This line holds an invisible control character; remove it."}
		}
	}
	return nil
}

func isControl(c rune) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f }

// syntaxMistake takes line and sentence from the parser's error, without the
// excerpt of the source, which could hold a secret (I12).
func syntaxMistake(data []byte, err error) *mistake {
	m := &mistake{message: "This is not valid YAML: it cannot be parsed; compare it with examples/shop/workspace."}
	var y yaml.Error
	if !errors.As(err, &y) {
		return m
	}
	if t := y.GetToken(); t != nil && t.Position != nil {
		m.line = t.Position.Line
	}
	lines := bytes.Split(data, []byte{'\n'})
	for _, at := range []int{m.line, m.line - 1, m.line + 1} {
		if at < 1 || at > len(lines) {
			continue
		}
		line := lines[at-1]
		if indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]; bytes.ContainsRune(indent, '\t') {
			return &mistake{line: at, message: "A tab indents this line; YAML allows spaces only."}
		}
	}
	m.message = fmt.Sprintf("This is not valid YAML: %s; look here and on the line above for a missing quote, colon, bracket or space.",
		strings.TrimSuffix(y.GetMessage(), "."))
	return m
}

// tooDeep returns the first line that lies deeper than the limit, 0 if none. The
// parser is recursive, so this is asked before it runs. Brackets count one level
// each, and outside of them every column at which something still open began.
func tooDeep(tokens token.Tokens) int {
	brackets := 0
	var columns []int
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets = max(brackets-1, 0)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.TagType, token.AnchorType:
			if brackets > 0 {
				continue
			}
			for len(columns) > 0 && columns[len(columns)-1] >= t.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, t.Position.Column)
		case token.DocumentHeaderType, token.DocumentEndType:
			brackets, columns = 0, columns[:0]
		}
		if brackets+len(columns) > maxDepth {
			return t.Position.Line
		}
	}
	return 0
}
