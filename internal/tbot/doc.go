// Package tbot is the embedded tbot runtime: it joins a Teleport cluster by the kubernetes method, holds the bot's identity
// in memory, generates outputs and writes them to destinations, following the real tbot in what a cluster can see of it
// (teleport-facts 2 and 6): joins of Teleport 15 to 19, outputs from 17 on. It reads its configuration as tbotconfig types;
// where the service account token comes from, and how a Secret is written, is the caller's.
package tbot
