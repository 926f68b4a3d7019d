// Package formats holds nothing but tests: kustomize, Helm and HCL read what tbotctl writes in their formats, and what they make of it is
// held to the resources that init would apply. It is a Go module of its own, so that none of them is linked into tbotctl.
package formats
