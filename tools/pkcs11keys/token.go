// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
)

const (
	nonceBytes = 12
	tagBits    = 128
)

// masterKey is a key of the token. Its number is its CKA_ID; a later key has a larger one.
type masterKey struct {
	number uint64
	name   string
	handle pkcs11.ObjectHandle
}

// token is a session with a token, logged in.
type token struct {
	module  *pkcs11.Ctx
	session pkcs11.SessionHandle
	label   string
	keys    []masterKey // the last is the newest; never empty
}

// openToken logs in to a token, and makes a master key if there is none.
func openToken(c config, pin string) (*token, error) {
	m := pkcs11.New(c.Module)
	if m == nil {
		return nil, fmt.Errorf("%s cannot be loaded as a PKCS#11 module: name the library that the device's maker "+
			"ships", c.Module)
	}
	if err := m.Initialize(); err != nil {
		m.Destroy()
		return nil, fmt.Errorf("%s: initialise: %w", c.Module, err)
	}
	t := &token{module: m, label: c.Label}
	if err := t.logIn(c, pin); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (t *token) logIn(c config, pin string) error {
	slot, err := findSlot(t.module, c.Token)
	if err != nil {
		return err
	}
	t.session, err = t.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return fmt.Errorf("token %q: open a session: %w", c.Token, err)
	}
	err = t.module.Login(t.session, pkcs11.CKU_USER, pin)
	if err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return fmt.Errorf("token %q: log in with the PIN in %s: %w", c.Token, c.PinFile, err)
	}
	if err := t.findKeys(); err != nil || len(t.keys) > 0 {
		return err
	}
	return t.add(1)
}

func findSlot(m *pkcs11.Ctx, label string) (uint, error) {
	slots, err := m.GetSlotList(true)
	if err != nil {
		return 0, fmt.Errorf("list the tokens: %w", err)
	}
	for _, s := range slots {
		if info, err := m.GetTokenInfo(s); err == nil && info.Label == label {
			return s, nil
		}
	}
	return 0, fmt.Errorf("none of the %d tokens has the label %q: initialise one with it, or name another in the "+
		"configuration", len(slots), label)
}

func (t *token) close() error {
	var err error
	if t.session != 0 {
		err = t.module.CloseSession(t.session)
	}
	err = errors.Join(err, t.module.Finalize())
	t.module.Destroy()
	return err
}

func (t *token) newest() *masterKey { return &t.keys[len(t.keys)-1] }

func (t *token) named(number uint64, h pkcs11.ObjectHandle) masterKey {
	return masterKey{number, fmt.Sprintf("%s-%d", t.label, number), h}
}

// findKeys lists the master keys on the token.
func (t *token) findKeys() error {
	err := t.module.FindObjectsInit(t.session, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, t.label),
	})
	if err != nil {
		return fmt.Errorf("find the master keys: %w", err)
	}
	handles, _, err := t.module.FindObjects(t.session, 1000)
	if err = errors.Join(err, t.module.FindObjectsFinal(t.session)); err != nil {
		return fmt.Errorf("find the master keys: %w", err)
	}
	t.keys = t.keys[:0]
	for _, h := range handles {
		a, err := t.module.GetAttributeValue(t.session, h, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_ID, nil)})
		if err != nil || len(a[0].Value) != 8 {
			return fmt.Errorf("the token has an AES key labelled %q that this program did not make (%v): give the "+
				"keys another label in the configuration", t.label, err)
		}
		t.keys = append(t.keys, t.named(binary.BigEndian.Uint64(a[0].Value), h))
	}
	slices.SortFunc(t.keys, func(a, b masterKey) int { return cmp.Compare(a.number, b.number) })
	return nil
}

// add makes a master key on the token. It can never be read out.
func (t *token) add(number uint64) error {
	h, err := t.module.GenerateKey(t.session,
		[]*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)},
		[]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
			pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, t.label),
			pkcs11.NewAttribute(pkcs11.CKA_ID, binary.BigEndian.AppendUint64(nil, number)),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
			pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
			pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
			pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true),
			pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true),
		})
	if err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	t.keys = append(t.keys, t.named(number, h))
	return nil
}

// rotate makes one more master key.
func (t *token) rotate() error {
	if err := t.findKeys(); err != nil {
		return err
	}
	if len(t.keys) == 0 {
		return errors.New("the master keys are gone from the token: put it back from its backup")
	}
	return t.add(t.newest().number + 1)
}

// destroyOld destroys all master keys but the newest. An older one that is destroyed already is not missed.
func (t *token) destroyOld() error {
	for len(t.keys) > 1 {
		err := t.module.DestroyObject(t.session, t.keys[0].handle)
		if err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_OBJECT_HANDLE_INVALID)) {
			return fmt.Errorf("destroy the master key %s: %w", t.keys[0].name, err)
		}
		t.keys = slices.Delete(t.keys, 0, 1)
	}
	return nil
}

// encrypt returns number (8) || nonce (12) || AES-256-GCM(text), bound to the number.
func (t *token) encrypt(text []byte) ([]byte, error) { return t.encryptUnder(t.newest(), text) }

func (t *token) encryptUnder(k *masterKey, text []byte) ([]byte, error) {
	number := binary.BigEndian.AppendUint64(nil, k.number)
	nonce := make([]byte, nonceBytes)
	rand.Read(nonce)
	p := pkcs11.NewGCMParams(nonce, number, tagBits)
	defer p.Free()
	err := t.module.EncryptInit(t.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, p)}, k.handle)
	if err != nil {
		return nil, fmt.Errorf("encrypt under %s: %w", k.name, err)
	}
	sealed, err := t.module.Encrypt(t.session, text)
	if err != nil {
		return nil, fmt.Errorf("encrypt under %s: %w", k.name, err)
	}
	nonce = p.IV() // some modules make their own
	if len(nonce) != nonceBytes {
		return nil, fmt.Errorf("encrypt under %s: the module used a nonce of %d bytes, want %d", k.name, len(nonce),
			nonceBytes)
	}
	return slices.Concat(number, nonce, sealed), nil
}

// decrypt reverses encrypt. It returns nil for what no key of the token has encrypted. Modules differ in the error that
// a forged ciphertext gives (SoftHSM's is CKR_GENERAL_ERROR), so after any error the key is tried on a genuine one.
func (t *token) decrypt(sealed []byte) ([]byte, error) {
	if len(sealed) < 8+nonceBytes+tagBits/8 {
		return nil, nil
	}
	number := binary.BigEndian.Uint64(sealed)
	i := slices.IndexFunc(t.keys, func(k masterKey) bool { return k.number == number })
	if i < 0 {
		return nil, nil
	}
	k := &t.keys[i]
	text, err := t.decryptUnder(k, sealed)
	if err == nil {
		return text, nil
	}
	genuine, probeErr := t.encryptUnder(k, make([]byte, 48))
	if probeErr == nil {
		_, probeErr = t.decryptUnder(k, genuine)
	}
	if probeErr != nil {
		return nil, fmt.Errorf("decrypt under %s: %w", k.name, errors.Join(err, probeErr))
	}
	return nil, nil
}

func (t *token) decryptUnder(k *masterKey, sealed []byte) ([]byte, error) {
	number, nonce, sealed := sealed[:8], sealed[8:8+nonceBytes], sealed[8+nonceBytes:]
	p := pkcs11.NewGCMParams(nonce, number, tagBits)
	defer p.Free()
	err := t.module.DecryptInit(t.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, p)}, k.handle)
	if err != nil {
		return nil, err
	}
	return t.module.Decrypt(t.session, sealed)
}
