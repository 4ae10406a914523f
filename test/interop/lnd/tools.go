//go:build tools

// Package lnd names the programs that build-lnd.sh builds, so that go.mod pins them.
package lnd

import (
	_ "github.com/lightningnetwork/lnd/cmd/lncli"
	_ "github.com/lightningnetwork/lnd/cmd/lnd"
)
