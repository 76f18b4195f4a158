// Command xcaddytoml prints or runs the xcaddy command for a variant of
// xcaddy.toml.
//
//	xcaddytoml [-file xcaddy.toml] [-variant NAME] [-output FILE] [-run]
//	xcaddytoml [-file xcaddy.toml] -list
//
// What it prints can be pasted into a shell. What it runs is what it prints; an
// unknown key in the file is an error, so that no line of it is without effect.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "xcaddytoml:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("xcaddytoml", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("file", "xcaddy.toml", "the manifest")
	variant := flags.String("variant", "", "the `name` of a variant; none is the build at the top of the manifest")
	output := flags.String("output", "bin/caddy", "the `file` to build")
	list := flags.Bool("list", false, "list the variants")
	execute := flags.Bool("run", false, "run the command instead of printing it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	manifest, err := readManifest(*file)
	if err != nil {
		return err
	}
	if *list {
		for _, name := range slices.Sorted(maps.Keys(manifest.Variants)) {
			fmt.Fprintf(stdout, "%s: %s\n", name, manifest.Variants[name].Description)
		}
		return nil
	}
	build, err := manifest.variant(*variant)
	if err != nil {
		return fmt.Errorf("%s: %w", *file, err)
	}
	command := build.command(*output)
	if !*execute {
		fmt.Fprintln(stdout, command)
		return nil
	}
	xcaddy := exec.Command("xcaddy", command.args...)
	xcaddy.Env = append(os.Environ(), command.env...)
	xcaddy.Stdout, xcaddy.Stderr = stdout, stderr
	return xcaddy.Run()
}
