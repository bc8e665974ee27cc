// Renders the chart where there is no Helm: go run render.go CHART VALUES RELEASE. Helm's templates are those of Go's
// text/template with Sprig's functions and a few of its own, of which the ones that the chart uses are here.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

func main() {
	if len(os.Args) != 4 {
		stop(errors.New("usage: render CHART VALUES RELEASE"))
	}
	folder, release := os.Args[1], os.Args[3]
	chart := read(filepath.Join(folder, "Chart.yaml"))
	data := map[string]any{
		"Values":  merge(read(filepath.Join(folder, "values.yaml")), read(os.Args[2])),
		"Chart":   map[string]any{"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]},
		"Release": map[string]any{"Name": release, "Service": "Helm"},
	}

	all := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["toYaml"] = func(value any) (string, error) {
		var text bytes.Buffer
		encoder := yaml.NewEncoder(&text)
		encoder.SetIndent(2)
		err := encoder.Encode(value)
		return strings.TrimSuffix(text.String(), "\n"), err
	}
	functions["include"] = func(name string, value any) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, value)
		return text.String(), err
	}
	functions["required"] = func(message string, value any) (any, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	all.Funcs(functions)

	files, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	stop(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		stop(err)
		_, err = all.New(filepath.Base(file)).Parse(string(text))
		stop(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		var text strings.Builder
		stop(all.ExecuteTemplate(&text, filepath.Base(file), data))
		if rendered := strings.TrimSpace(text.String()); rendered != "" {
			fmt.Printf("---\n# Source: demarc/templates/%s\n%s\n", filepath.Base(file), rendered)
		}
	}
}

// What is given over what is the default.
func merge(under, over map[string]any) map[string]any {
	for key, value := range over {
		inner, isMap := value.(map[string]any)
		below, wasMap := under[key].(map[string]any)
		if isMap && wasMap {
			under[key] = merge(below, inner)
		} else {
			under[key] = value
		}
	}
	return under
}

func read(path string) map[string]any {
	text, err := os.ReadFile(path)
	stop(err)
	values := map[string]any{}
	stop(yaml.Unmarshal(text, &values))
	return values
}

func stop(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
