// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/minio/minio-go/v7"

	assay "github.com/assayrisk/assay"
)

// Remove implements recordfile.Archive. It removes each version by its id, those that mark a deletion too, and then
// looks whether one is left.
func (b *bucket) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	versions, err := b.versions(ctx, name)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if err := b.removeVersion(ctx, v); err != nil {
			return fmt.Errorf("archive: a version of %s stays: %w", name, err)
		}
	}
	if versions, err = b.versions(ctx, name); err != nil {
		return err
	}
	if len(versions) > 0 {
		return fmt.Errorf("archive: %d versions of %s are left in %s after they were removed: %w", len(versions), name,
			b.Place(), assay.ErrPrecondition)
	}
	return nil
}

// versions lists every version of an object.
func (b *bucket) versions(ctx context.Context, name string) (all []minio.ObjectInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	for o := range b.client.ListObjects(ctx, b.config.Bucket, minio.ListObjectsOptions{Prefix: b.key(name),
		WithVersions: true, Recursive: true}) {
		if o.Err != nil {
			return nil, b.explain("list the versions of "+name, o.Err)
		}
		if o.Key == b.key(name) {
			all = append(all, o)
		}
	}
	return all, nil
}

func (b *bucket) removeVersion(ctx context.Context, v minio.ObjectInfo) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	err := b.client.RemoveObject(ctx, b.config.Bucket, v.Key, minio.RemoveObjectOptions{VersionID: v.VersionID})
	return b.explain("remove it", err)
}

// CheckRemoval implements recordfile.Archive. It asks for what would keep an object, and then makes one with two
// versions, removes it, and looks whether something is left.
func (b *bucket) CheckRemoval(ctx context.Context) error {
	if err := b.checkLock(ctx); err != nil {
		return err
	}
	if err := b.checkReplication(ctx); err != nil {
		return err
	}
	name := "removal-test-" + rand.Text()
	for _, text := range []string{"first version", "second version"} {
		if err := b.Put(ctx, name, strings.NewReader(text), int64(len(text))); err != nil {
			return err
		}
	}
	if err := b.Remove(ctx, name); err != nil {
		return fmt.Errorf("archive: what is removed from %s is not gone, so no personal part could be dropped when "+
			"its retention has passed: let the credentials list and remove versions (s3:ListBucketVersions, "+
			"s3:DeleteObjectVersion), or take a bucket without versions: %w", b.Place(), err)
	}
	return nil
}

// checkLock refuses a bucket that can keep objects against their removal.
func (b *bucket) checkLock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	lock, _, _, _, err := b.client.GetObjectLockConfig(ctx, b.config.Bucket)
	switch {
	case err == nil && lock == "":
		return nil
	case err == nil:
		return fmt.Errorf("archive: %s has object lock: an object could be kept although the retention of the "+
			"personal parts in it has passed: take a bucket without it: %w", b.Place(), assay.ErrPrecondition)
	}
	switch minio.ToErrorResponse(err).Code {
	case "ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", minio.NotImplemented:
		return nil
	}
	return b.explain("ask whether the bucket has object lock (s3:GetBucketObjectLockConfiguration)", err)
}

// checkReplication refuses a bucket that is copied to another one, where nothing is removed.
func (b *bucket) checkReplication(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	rules, err := b.client.GetBucketReplication(ctx, b.config.Bucket)
	if err == nil && !rules.Empty() {
		return fmt.Errorf("archive: %s is replicated to another bucket, from which nothing is removed by version: "+
			"take one that is not: %w", b.Place(), assay.ErrPrecondition)
	}
	code := minio.ToErrorResponse(err).Code
	if err == nil || code == "ReplicationConfigurationNotFoundError" || code == minio.NotImplemented {
		return nil
	}
	return b.explain("ask whether the bucket is replicated (s3:GetReplicationConfiguration)", err)
}
