package keyring_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/landingteam/landing/systemimage/keyring"
)

func read(name string) []byte {
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ExampleParse() {
	k, err := keyring.Parse(read("keyrings/good-image-signing.tar.xz"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(k.Type, k.Expiry.Format(time.DateOnly), k.Fingerprints())
	// Output: image-signing 2100-01-01 [157443A5563166A7C9EF905F564FB5ED0591F227]
}

func ExampleChain() {
	chain, err := keyring.NewChain(read("keyrings/archive-master.tar.xz"), "", keyring.Policy{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range []keyring.Type{keyring.ImageMaster, keyring.ImageSigning} {
		path := "tree/gpg/" + string(t) + ".tar.xz"
		if chain, err = chain.With(t, read(path), read(path+".asc"), at); err != nil {
			fmt.Println(err)
			return
		}
	}
	signer, err := chain.Verify(bytes.NewReader(read("tree/channels.json")), read("tree/channels.json.asc"), at)
	fmt.Println(signer.Fingerprint, signer.Time.Format(time.DateOnly), err)

	_, err = chain.Verify(bytes.NewReader([]byte("forged")), read("tree/channels.json.asc"), at)
	fmt.Println("forged:", errors.Is(err, keyring.ErrSignature))
	// Output:
	// 157443A5563166A7C9EF905F564FB5ED0591F227 2024-02-01 <nil>
	// forged: true
}

func ExamplePolicy_Verify() {
	ring, err := keyring.Parse(read("keyrings/ring-one.tar.xz"))
	if err != nil {
		fmt.Println(err)
		return
	}
	data, signature := read("files/data.json"), read("files/v-sha1.asc")
	_, err = keyring.Policy{}.Verify(bytes.NewReader(data), signature, at, nil, ring)
	fmt.Println(err)
	signer, err := keyring.Policy{SHA1: true}.Verify(bytes.NewReader(data), signature, at, nil, ring)
	fmt.Println(signer.Fingerprint, err)
	// Output:
	// keyring: signature over a weak digest, SHA-1; sign anew with SHA-512
	// 157443A5563166A7C9EF905F564FB5ED0591F227 <nil>
}
