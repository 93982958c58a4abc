// Generates the package's SDKs for TypeScript and Python from its schema, as `pulumi package add` does.
// For tests of programs in those languages, on machines that lack Pulumi's hosts for them.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: sdk SCHEMA FOLDER"))
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fail(err)
	}
}

func generate(source, folder string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	typescript, err := bind(spec)
	if err != nil {
		return err
	}
	files, err := nodejs.GeneratePackage("pulumi", typescript, nil, nil, true, nil)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(folder, "nodejs"), files); err != nil {
		return err
	}
	py, err := bind(spec)
	if err != nil {
		return err
	}
	if files, err = python.GeneratePackage("pulumi", py, nil, nil); err != nil {
		return err
	}
	return write(filepath.Join(folder, "python"), files)
}

// The package refers to no other, so none is to be loaded; a loader that refuses to shows it.
func bind(spec schema.PackageSpec) (*schema.Package, error) {
	found, diagnostics, err := schema.BindSpec(spec, schema.NewNullLoader(), schema.ValidationOptions{})
	if err != nil {
		return nil, err
	}
	if diagnostics.HasErrors() {
		return nil, diagnostics
	}
	return found, nil
}

func write(folder string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
