// Package shop holds the example company, so that the program can show it
// wherever it is installed.
package shop

import "embed"

// Files are the workspace and data folders.
//
//go:embed workspace/*.yaml data/*.csv data/*.jsonl
var Files embed.FS
