// Package safedial connects to addresses that users chose, without letting them
// reach what only this machine and its network should reach.
//
// A [Dialer] looks at the address that a name resolved to, at the moment of the
// connection, so a name that changes its answer between a check and its use
// (DNS rebinding) gains nothing. Every redirect makes a connection of its own and is
// checked the same way. What is not a public unicast address is refused with
// [ErrBlocked] unless an operator allow-listed it.
package safedial
