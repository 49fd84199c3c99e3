// Package sdktest runs real SDKs against the intake. It is a module of its own,
// so that the SDKs are no dependency of the product:
//
//	cd internal/collect/sdktest && go test ./...
package sdktest
