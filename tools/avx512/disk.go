// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	isolinux = "/usr/lib/ISOLINUX/isolinux.bin"
	ldlinux  = "/usr/lib/syslinux/modules/bios/ldlinux.c32"
	bios     = "/usr/share/bochs/BIOS-bochs-latest"
	vgaBIOS  = "/usr/share/bochs/VGABIOS-lgpl-latest"
	screen   = "/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so"
)

// checkPrograms returns an error for the first tool that is missing.
func checkPrograms() error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return &missing{"Linux on amd64", "it on a machine that runs it"}
	}
	for _, p := range [][2]string{{"bochs", "bochs"}, {"xorriso", "xorriso"}, {"cpio", "cpio"},
		{"script", "bsdutils"}} {
		if _, err := exec.LookPath(p[0]); err != nil {
			return &missing{p[0], p[1]}
		}
	}
	for _, p := range [][2]string{{isolinux, "isolinux"}, {ldlinux, "syslinux-common"}, {bios, "bochsbios"},
		{vgaBIOS, "vgabios"}, {screen, "bochs-term"}} {
		if _, err := os.Stat(p[0]); err != nil {
			return &missing{p[0], p[1]}
		}
	}
	return nil
}

// output runs a command and returns what it prints; the error has its complaint.
func output(ctx context.Context, dir string, env []string, program string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	b, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%v: %w\n%s", c.Args, err, b)
	}
	return string(b), nil
}

// fetchKernel gets the kernel that Debian's linux-image-cloud-amd64 depends on,
// made for virtual machines: small, and with a serial console.
func fetchKernel(ctx context.Context, work string) (string, error) {
	deps, err := output(ctx, work, nil, "apt-cache", "depends", "--important", "linux-image-cloud-amd64")
	if err != nil {
		return "", &missing{"the list of Debian's packages", "... after apt-get update"}
	}
	name := ""
	for line := range strings.Lines(deps) {
		if _, after, ok := strings.Cut(line, "Depends: linux-image-"); ok {
			name = "linux-image-" + strings.TrimSpace(after)
		}
	}
	if _, err := output(ctx, work, nil, "apt-get", "download", "-qq", name); err != nil {
		return "", &missing{"the kernel " + name, "... after apt-get update (it is downloaded, not installed)"}
	}
	debs, err := filepath.Glob(filepath.Join(work, name+"_*.deb"))
	if err != nil || len(debs) != 1 {
		return "", fmt.Errorf("apt-get download %s left %d files, %w", name, len(debs), err)
	}
	if _, err := output(ctx, work, nil, "dpkg", "-x", debs[0], filepath.Join(work, "kernel")); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(work, "kernel", "boot", "vmlinuz-*"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%s holds %d kernels, %w", name, len(found), err)
	}
	return found[0], nil
}

// commandLine of the kernel. Bochs reports the compacted form of the extended
// registers with the size of the standard one, at which Linux would switch
// AVX off: so it shall not use the compacted form, nor protection keys, which
// Bochs announces and does not save.
const commandLine = "console=ttyS0 quiet loglevel=3 panic=-1 nokaslr mitigations=off nox2apic tsc=reliable " +
	"no_timer_check lpj=4000000 clearcpuid=pku,xsaves,xsavec"

// disk makes the bootable image work/disk.iso: the loader, the kernel, and the
// memory file system with init, the test programs and their files.
func disk(ctx context.Context, root, work string, o options) error {
	fs, iso := filepath.Join(work, "fs"), filepath.Join(work, "iso")
	static := []string{"CGO_ENABLED=0", "GOFLAGS="}
	for _, d := range []string{"proc", "dev", "tmp", "src"} {
		if err := os.MkdirAll(filepath.Join(fs, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(iso, "isolinux"), 0o755); err != nil {
		return err
	}
	if _, err := output(ctx, filepath.Join(root, "tools"), static, "go", "build", "-ldflags=-s -w", "-o",
		filepath.Join(fs, "init"), "./avx512/init"); err != nil {
		return err
	}
	var list strings.Builder
	for _, j := range jobs {
		if o.only != "" && o.only != j.pkg {
			continue
		}
		name := "/" + filepath.Base(j.pkg) + ".test"
		if _, err := output(ctx, root, static, "go", "test", "-c", "-ldflags=-s -w", "-o", filepath.Join(fs, name),
			"./"+j.pkg); err != nil {
			return err
		}
		fmt.Fprintln(&list, name, "-test.short", "-test.run", cmp.Or(o.run, j.tests))
	}
	if list.Len() == 0 {
		return fmt.Errorf("-only %s: no test of that package is for the emulated processor", o.only)
	}
	if err := os.WriteFile(filepath.Join(fs, "jobs"), []byte(list.String()), 0o644); err != nil {
		return err
	}
	if _, err := output(ctx, fs, nil, "sh", "-c",
		"find . | cpio --quiet -o -H newc | gzip -1 > ../iso/initrd.gz"); err != nil {
		return err
	}
	for from, to := range map[string]string{o.kernel: "vmlinuz", isolinux: "isolinux/isolinux.bin",
		ldlinux: "isolinux/ldlinux.c32"} {
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(iso, to), b, 0o644); err != nil {
			return err
		}
	}
	config := "default assay\nprompt 0\nlabel assay\n kernel /vmlinuz\n append initrd=/initrd.gz " + commandLine + "\n"
	if err := os.WriteFile(filepath.Join(iso, "isolinux", "isolinux.cfg"), []byte(config), 0o644); err != nil {
		return err
	}
	_, err := output(ctx, work, nil, "xorriso", "-as", "mkisofs", "-quiet", "-o", "disk.iso", "-b",
		"isolinux/isolinux.bin", "-c", "isolinux/boot.cat",
		"-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", iso)
	return err
}
