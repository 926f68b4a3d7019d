// Command minitctl does what the guide uses tctl and curl for: it creates one bot or token from a file, or asks a proxy who it is.
// It exists for the benchmark, where the real tctl is not to be had.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/teleport"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "minitctl:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("create FILE or find")
	}
	verb, file := args[0], ""
	args = args[1:]
	if verb == "create" && len(args) > 0 {
		file, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("minitctl", flag.ContinueOnError)
	proxy := flags.String("proxy", "", "host:port")
	cluster := flags.String("cluster", "", "the cluster's name, for create")
	identity := flags.String("identity", "", "identity file, for create")
	ca := flags.String("proxy-ca", "", "PEM file, for find")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if verb == "find" {
		return find(ctx, *proxy, *ca)
	}
	client, err := teleport.Connect(ctx, teleport.Target{Proxy: *proxy}, teleport.Server{ClusterName: *cluster, TLSRouting: true}, teleport.Login{IdentityFile: *identity}, time.Now())
	if err != nil {
		return err
	}
	return errors.Join(create(ctx, client, file), client.Close())
}

func find(ctx context.Context, proxy, ca string) error {
	text, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	pool, err := teleport.CertPool(string(text))
	if err != nil {
		return err
	}
	server, err := teleport.Find(ctx, teleport.Target{Proxy: proxy, CAs: pool})
	if err == nil {
		fmt.Println(server.ClusterName)
	}
	return err
}

func create(ctx context.Context, client *teleport.Client, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	encoded, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	if bytes.Contains(encoded, []byte(`"kind":"bot"`)) {
		bot := &machineidv1.Bot{}
		if err := protojson.Unmarshal(encoded, bot); err != nil {
			return err
		}
		return client.UpsertBot(ctx, bot)
	}
	token := &types.ProvisionTokenV2{}
	if err := yaml.UnmarshalStrict(text, token); err != nil {
		return err
	}
	return client.UpsertToken(ctx, token)
}
