// Package e2e drives the real program from outside, the way its users do: it
// uses the public client, the command line and HTTP, and receives what is handed
// over in sinks of its own. One suite of scenarios (scenarios_test.go) runs
// twice: with everything embedded, and with PostgreSQL and an outside NATS
// server, both started for real.
//
// The scenarios of a stack share one server and run in their order; each has
// people of its own, so that none depends on another's. Names and addresses
// given to people are remembered, and at the end none of them may stand in
// the server's log (I12).
package e2e
