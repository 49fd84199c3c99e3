// Parley is the program: it takes signals and hands everything else to package command.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"parley/internal/command"
)

// version is set when the program is built.
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return command.Run(ctx, command.Process{
		Program: os.Args[0], Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Version: version,
	})
}
