//! What is to be changed in each SDK and program, as its own documents call it. In `{braces}`: what is filled in.
//!
//! The names of settings were tried against the versions named here, or read in their source.

/// Whose words a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// Feishu's and Lark's.
    Feishu,
    /// WeCom's.
    WeCom,
}

/// Whether a client takes an address without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Any address.
    Any,
    /// https only.
    Https,
}

/// What is set so that a client trusts an authority that its system does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runtime {
    Node,
    Python,
    Go,
    Java,
}

impl Runtime {
    /// The lines for a shell, with the authority in `longwire-ca.pem`.
    pub(super) fn trust(self) -> &'static str {
        match self {
            Self::Node => "export NODE_EXTRA_CA_CERTS=longwire-ca.pem",
            // Both take the place of the roots that are there, so a program that speaks to others needs those too.
            Self::Python => {
                "export SSL_CERT_FILE=longwire-ca.pem REQUESTS_CA_BUNDLE=longwire-ca.pem"
            }
            Self::Go => "export SSL_CERT_FILE=longwire-ca.pem",
            Self::Java => {
                "keytool -importcert -noprompt -cacerts -storepass changeit -alias longwire -file longwire-ca.pem"
            }
        }
    }
}

/// An SDK or a program.
#[derive(Debug)]
pub(super) struct KnownClient {
    /// For `--client`.
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    pub(super) speaks: Speaks,
    pub(super) takes: Takes,
    pub(super) runtime: Runtime,
    /// What is to be written, line by line.
    pub(super) lines: &'static [&'static str],
}

/// All that are known, SDKs first.
pub(super) const CLIENTS: &[KnownClient] = &[
    KnownClient {
        key: "node",
        title: "Node, @larksuiteoapi/node-sdk",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Node,
        lines: &[
            "const base = { appId: '{app}', appSecret: '{secret}', domain: '{url}' };",
            "const client = new lark.Client(base);",
            "new lark.WSClient(base).start({ eventDispatcher });",
        ],
    },
    KnownClient {
        key: "python",
        title: "Python, lark-oapi",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Python,
        lines: &[
            "client = lark.Client.builder().app_id(\"{app}\").app_secret(\"{secret}\").domain(\"{url}\").build()",
            "lark.ws.Client(\"{app}\", \"{secret}\", event_handler=handler, domain=\"{url}\").start()",
        ],
    },
    KnownClient {
        key: "go",
        title: "Go, oapi-sdk-go/v3",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Go,
        lines: &[
            "client := lark.NewClient(\"{app}\", \"{secret}\", lark.WithOpenBaseUrl(\"{url}\"))",
            "ws := larkws.NewClient(\"{app}\", \"{secret}\", larkws.WithDomain(\"{url}\"), larkws.WithEventHandler(handler))",
            "err := ws.Start(ctx)",
        ],
    },
    KnownClient {
        key: "java",
        title: "Java, com.larksuite.oapi:oapi-sdk",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Java,
        lines: &[
            "Client client = Client.newBuilder(\"{app}\", \"{secret}\").openBaseUrl(\"{url}\").build();",
            "new com.lark.oapi.ws.Client.Builder(\"{app}\", \"{secret}\").domain(\"{url}\").eventHandler(handler).build().start();",
        ],
    },
    KnownClient {
        key: "openclaw",
        title: "OpenClaw, @openclaw/feishu",
        speaks: Speaks::Feishu,
        takes: Takes::Https,
        runtime: Runtime::Node,
        lines: &["channels.feishu.domain: \"{url}\""],
    },
    KnownClient {
        key: "koishi",
        title: "Koishi, @satorijs/adapter-lark",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Node,
        lines: &[
            "protocol: ws",
            "appId: {app}",
            "appSecret: {secret}",
            "endpoint: {url}/open-apis",
        ],
    },
    KnownClient {
        key: "nonebot",
        title: "NoneBot, nonebot-adapter-feishu",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Python,
        lines: &[
            "FEISHU_BOTS=[{\"app_id\": \"{app}\", \"app_secret\": \"{secret}\", \"verification_token\": \"unused\", \"protocol\": \"ws\", \"api_base\": \"{url}\"}]",
        ],
    },
    KnownClient {
        key: "astrbot",
        title: "AstrBot, lark adapter",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Python,
        lines: &[
            "\"app_id\": \"{app}\", \"app_secret\": \"{secret}\",",
            "\"domain\": \"{url}\", \"lark_connection_mode\": \"socket\"",
        ],
    },
    KnownClient {
        key: "langbot",
        title: "LangBot, lark adapter",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Python,
        lines: &["domain: custom", "custom_domain: {url}"],
    },
    KnownClient {
        key: "lark-mcp",
        title: "lark-mcp, @larksuiteoapi/lark-mcp (calls only)",
        speaks: Speaks::Feishu,
        takes: Takes::Any,
        runtime: Runtime::Node,
        lines: &["lark-mcp mcp -a {app} -s {secret} -d {url}"],
    },
    KnownClient {
        key: "wecom-node",
        title: "Node, @wecom/aibot-node-sdk",
        speaks: Speaks::WeCom,
        takes: Takes::Any,
        runtime: Runtime::Node,
        lines: &[
            "new WSClient({ botId: '{app}', secret: '{secret}', wsUrl: '{ws}/relay/wecom' });",
        ],
    },
    KnownClient {
        key: "wecom-python",
        title: "Python, wecom-aibot-sdk",
        speaks: Speaks::WeCom,
        takes: Takes::Any,
        runtime: Runtime::Python,
        lines: &["WSClient(\"{app}\", \"{secret}\", ws_url=\"{ws}/relay/wecom\")"],
    },
    KnownClient {
        key: "hermes",
        title: "Hermes, hermes-agent",
        speaks: Speaks::WeCom,
        takes: Takes::Any,
        runtime: Runtime::Python,
        lines: &[
            "WECOM_BOT_ID={app}",
            "WECOM_SECRET={secret}",
            "WECOM_WEBSOCKET_URL={ws}/relay/wecom",
        ],
    },
    KnownClient {
        key: "openclaw-wecom",
        title: "OpenClaw, @wecom/wecom-openclaw-plugin",
        speaks: Speaks::WeCom,
        takes: Takes::Any,
        runtime: Runtime::Node,
        lines: &["channels.wecom.websocketUrl: \"{ws}/relay/wecom\""],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What `fill` puts in, and nothing else.
    #[test]
    fn each_has_a_key_of_its_own_and_known_places() {
        let mut keys = HashSet::new();
        for client in CLIENTS {
            assert!(keys.insert(client.key), "{}", client.key);
            let text = client.lines.join("\n");
            let place = match client.speaks {
                Speaks::Feishu => "{url}",
                Speaks::WeCom => "{ws}/relay/wecom",
            };
            assert!(text.contains(place), "{}", client.key);
        }
    }
}
