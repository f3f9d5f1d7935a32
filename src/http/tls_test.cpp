// TLS on the listeners, with certificates that the openssl command makes.
#include <gtest/gtest.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "http/test_application.h"
#include "http/tls.h"

namespace athena::http {
namespace {

using namespace testing;
using std::chrono::milliseconds;

struct Folder {
  Folder() {
    char name[] = "/tmp/athena-tls-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

/// Certificates `one` and `two`, and the key of `one` with a password; made once.
const std::string& certificates() {
  static const Folder folder;
  static const bool made = [] {
    for (const std::string name : {"one", "two"}) {
      const auto command =
          "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=" + name +
          " -keyout " + folder.path + "/" + name + ".key -out " + folder.path + "/" + name +
          ".pem 2>/dev/null";
      if (std::system(command.c_str()) != 0) return false;
    }
    return std::system(("openssl ec -in " + folder.path + "/one.key -aes128 -passout pass:secret -out " +
                        folder.path + "/locked.key 2>/dev/null")
                           .c_str()) == 0;
  }();
  if (!made) throw std::runtime_error("the openssl command does not work");
  return folder.path;
}

std::string file(const std::string& name) {
  return certificates() + "/" + name;
}

ServerSettings with_tls() {
  ServerSettings settings;
  settings.tls_cert_file = file("one.pem");
  settings.tls_key_file = file("one.key");
  return settings;
}

class TlsClient : public Client {
 public:
  struct Options {
    int receive_buffer = 0;
    int version = 0;  // 0 = any
    const char* protocols = nullptr;
    std::function<void()> before_handshake = nullptr;
  };
  explicit TlsClient(std::uint16_t port) : TlsClient(port, Options{}) {}
  TlsClient(std::uint16_t port, const Options& options) : Client(port, options.receive_buffer) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (options.version != 0) {
      SSL_CTX_set_min_proto_version(context_, options.version);
      SSL_CTX_set_max_proto_version(context_, options.version);
      SSL_CTX_set_security_level(context_, 0);
    }
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, descriptor());
    if (options.protocols != nullptr) {
      const auto size = static_cast<unsigned>(std::strlen(options.protocols));
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.protocols), size);
    }
    if (options.before_handshake) options.before_handshake();
    secure_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  [[nodiscard]] bool secure() const { return secure_; }
  [[nodiscard]] bool said_goodbye() const { return goodbye_; }
  [[nodiscard]] ssl_st* ssl() { return ssl_; }
  [[nodiscard]] int raw() const { return descriptor(); }
  [[nodiscard]] std::string version() const { return SSL_get_version(ssl_); }
  [[nodiscard]] std::string protocol() const {
    const unsigned char* data = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &data, &size);
    return {reinterpret_cast<const char*>(data), size};
  }
  [[nodiscard]] std::string name() const {
    auto* certificate = SSL_get1_peer_certificate(ssl_);
    char text[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
    X509_free(certificate);
    return text;
  }

 private:
  ssize_t transmit(std::string_view bytes) override {
    return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  }
  ssize_t receive(std::string& piece, int milliseconds) override {
    if (SSL_pending(ssl_) == 0) {
      pollfd state{descriptor(), POLLIN, 0};
      if (::poll(&state, 1, milliseconds) <= 0) return -1;
    }
    const int count = SSL_read(ssl_, piece.data(), static_cast<int>(piece.size()));
    if (count > 0) return count;
    goodbye_ = SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return 0;
  }

  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool secure_ = false;
  bool goodbye_ = false;
};

TEST(TlsContext, LoadsACertificateWithItsKey) {
  EXPECT_TRUE(TlsContext::load(file("one.pem"), file("one.key")).has_value());
}

TEST(TlsContext, SaysWhatIsWrong) {
  const auto error = [](const std::string& cert, const std::string& key) {
    const auto loaded = TlsContext::load(cert, key);
    EXPECT_FALSE(loaded.has_value());
    return loaded ? std::string() : loaded.error();
  };
  std::ofstream(file("garbage.pem")) << "this is no certificate";
  EXPECT_EQ(error("/nowhere/a.pem", file("one.key")),
            "api.tls_cert_file: cannot read /nowhere/a.pem: No such file or directory.");
  EXPECT_EQ(error(file("one.pem"), "/nowhere/a.key"),
            "api.tls_key_file: cannot read /nowhere/a.key: No such file or directory.");
  EXPECT_EQ(error(file("one.pem"), ""),
            "api.tls_key_file is empty: certificate and key are needed together.");
  EXPECT_EQ(error("", file("one.key")),
            "api.tls_cert_file is empty: certificate and key are needed together.");
  EXPECT_EQ(error(file("one.pem"), file("two.key")), "api.tls_key_file: " + file("two.key") +
                                                         " is not the key of the certificate in " +
                                                         file("one.pem") + ".");
  EXPECT_NE(error(file("garbage.pem"), file("one.key")).find("holds no usable certificate"),
            std::string::npos);
  EXPECT_NE(error(file("one.key"), file("one.key")).find("holds no usable certificate"), std::string::npos);
  EXPECT_NE(error(file("one.pem"), file("garbage.pem")).find("holds no usable private key"),
            std::string::npos);
  EXPECT_NE(error(file("one.pem"), file("one.pem")).find("holds no usable private key"), std::string::npos);
  const auto locked = error(file("one.pem"), file("locked.key"));
  EXPECT_NE(locked.find("without a password"), std::string::npos) << locked;
  EXPECT_EQ(locked.find("secret"), std::string::npos);
  EXPECT_NE(error(certificates(), file("one.key")), "");  // a folder
}

TEST(TlsServer, RefusesToStartWithoutItsKey) {
  auto settings = with_tls();
  settings.tls_key_file = file("two.key");
  EXPECT_THROW(TestServer{settings}, std::runtime_error);
}

TEST(TlsServer, AnswersOverTls12And13) {
  TestServer server(with_tls());
  for (const auto& [version, name] :
       {std::pair{TLS1_2_VERSION, "TLSv1.2"}, std::pair{TLS1_3_VERSION, "TLSv1.3"}}) {
    TlsClient client(server.port(), {.version = version});
    ASSERT_TRUE(client.secure()) << name;
    EXPECT_EQ(client.version(), name);
    EXPECT_EQ(client.name(), "one");
    for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(client.ask(get("/pong")).body, "pong");
    EXPECT_EQ(client.ask(get("/later")).body, "later");
    EXPECT_EQ(client.ask(post("/echo", "a body")).body, "a body");
  }
  EXPECT_EQ(server.application.rejected_for("framing"), 0);
}

TEST(TlsServer, RefusesOlderVersions) {
  TestServer server(with_tls());
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsClient client(server.port(), {.version = version});
    EXPECT_FALSE(client.secure());
  }
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.rejected_for("framing") == 2; }));
  EXPECT_EQ(TlsClient(server.port()).ask(get("/pong")).status, 200);
}

TEST(TlsServer, ChoosesHttp11) {
  TestServer server(with_tls());
  TlsClient both(server.port(), {.protocols = "\x02h2\x08http/1.1"});
  EXPECT_EQ(both.protocol(), "http/1.1");
  EXPECT_EQ(both.ask(get("/pong")).status, 200);
  EXPECT_EQ(TlsClient(server.port()).protocol(), "");
  EXPECT_FALSE(TlsClient(server.port(), {.protocols = "\x02h2"}).secure());
}

TEST(TlsServer, SaysSoToPlainHttp) {
  TestServer server(with_tls());
  auto client = server.client();
  const auto reply = client.ask(get("/pong"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("https"), std::string::npos) << reply.body;
  EXPECT_NE(reply.header("x-request-id"), "");
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(server.application.rejected_for("framing"), 1);
}

TEST(TlsServer, EndsGarbageWithoutHarm) {
  TestServer server(with_tls());
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  for (const std::string& bytes :
       {std::string(3000, '\0'), std::string(300, '\x16'), std::string("\x80\x2e\x01", 3),
        hello + std::string(600, 'z'), std::string("\x15\x03\x01\x00\x02\x02\x28", 7)}) {
    auto client = server.client();
    client.send(bytes);
    if (bytes.size() > 3) {
      EXPECT_TRUE(client.ends());
    }
  }
  EXPECT_GE(server.application.rejected_for("framing"), 4);
  EXPECT_EQ(TlsClient(server.port()).ask(get("/pong")).status, 200);
}

TEST(TlsServer, GarbageAfterTheHandshakeEndsTheConnection) {
  TestServer server(with_tls());
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(get("/pong")).status, 200);
  const std::string record = std::string("\x17\x03\x03\x01\x00", 5) + std::string(256, 'x');
  EXPECT_GT(::send(client.raw(), record.data(), record.size(), MSG_NOSIGNAL), 0);
  EXPECT_TRUE(client.ends());
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.rejected_for("framing") == 1; }));
  EXPECT_EQ(TlsClient(server.port()).ask(get("/pong")).status, 200);
}

TEST(TlsServer, SlowHandshakesBlockNobodyAndEnd) {
  auto settings = with_tls();
  settings.request_timeout = milliseconds(1500);
  TestServer server(settings);
  std::vector<Client> slow;
  for (int index = 0; index < 500; ++index) {
    slow.push_back(server.client());
    slow.back().send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  }
  const auto start = base::Clock::now();
  for (int turn = 0; turn < 20; ++turn) EXPECT_EQ(TlsClient(server.port()).ask(get("/pong")).status, 200);
  EXPECT_LT(base::Clock::now() - start, std::chrono::seconds(2));
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.rejected_for("timeout") == 500; }));
  EXPECT_TRUE(TestServer::eventually([&] { return server.server().connections().idle == 0; }));
}

TEST(TlsServer, SilentConnectionsEndAtTheTimeLimit) {
  auto settings = with_tls();
  settings.request_timeout = milliseconds(300);
  TestServer server(settings);
  auto client = server.client();
  EXPECT_TRUE(client.ends(2000));
}

TEST(TlsServer, LargeBodiesBothWays) {
  TestServer server(with_tls());
  TlsClient client(server.port());
  std::string body(3 * 1024 * 1024 + 7, 'b');
  for (std::size_t at = 0; at < body.size(); at += 1000) body[at] = 'c';
  std::thread sender([&] { client.send(post("/echo", body)); });
  sender.join();
  const auto reply = client.read();
  EXPECT_EQ(reply.body.size(), body.size());
  EXPECT_TRUE(reply.body == body);
  // many requests at once: records and requests end in different places
  std::string many;
  for (int index = 0; index < 400; ++index)
    many += post("/echo", std::string(100 + static_cast<std::size_t>(index), 'x'));
  client.send(many);
  for (int index = 0; index < 400; ++index)
    ASSERT_EQ(client.read().body.size(), 100U + static_cast<unsigned>(index));
}

TEST(TlsServer, StreamsPauseForASlowReader) {
  auto settings = with_tls();
  settings.write_window_bytes = 256 * 1024;
  settings.compression_min_bytes = 0;
  TestServer server(settings);
  TlsClient client(server.port(), {.receive_buffer = 16 * 1024});
  constexpr std::uint64_t kTotal = 64UL * 1024 * 1024;
  client.send(get("/stream?bytes=" + std::to_string(kTotal)));
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_LT(server.application.produced.load(), kTotal / 4);
  const auto reply = client.read();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body.size(), kTotal);
  EXPECT_EQ(client.ask(get("/pong")).status, 200);
}

TEST(TlsServer, ABrokenStreamHasNeitherFinalChunkNorGoodbye) {
  TestServer server(with_tls());
  TlsClient client(server.port());
  const auto reply = client.ask(get("/abort?bytes=100000"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.complete);
  EXPECT_TRUE(client.ends());
  EXPECT_FALSE(client.said_goodbye());
}

TEST(TlsServer, ClosesWithAGoodbye) {
  auto settings = with_tls();
  settings.keep_alive = milliseconds(200);
  TestServer server(settings);
  TlsClient asked(server.port());
  EXPECT_EQ(asked.ask(get("/pong", "Connection: close\r\n")).status, 200);
  EXPECT_TRUE(asked.ends());
  EXPECT_TRUE(asked.said_goodbye());
  TlsClient idle(server.port());
  EXPECT_EQ(idle.ask(get("/pong")).status, 200);
  EXPECT_TRUE(idle.ends());
  EXPECT_TRUE(idle.said_goodbye());
}

TEST(TlsServer, NoticesThatTheCallerHasLeft) {
  TestServer server(with_tls());
  for (const bool with_goodbye : {false, true}) {
    const int before = server.application.gone_seen.load();
    TlsClient client(server.port());
    client.send(get("/until-gone"));
    std::this_thread::sleep_for(milliseconds(50));
    if (with_goodbye) SSL_shutdown(client.ssl());
    client.close();
    EXPECT_TRUE(TestServer::eventually([&] { return server.application.gone_seen.load() == before + 1; }));
  }
}

TEST(TlsServer, AnswersARequestBehindWhichTheCallerSaidGoodbye) {
  TestServer server(with_tls());
  TlsClient client(server.port());
  client.send(get("/sleep?ms=50", "Connection: close\r\n"));
  SSL_shutdown(client.ssl());
  EXPECT_EQ(client.read().body, "slept");
}

TEST(TlsServer, DrainsWithoutLosingRequests) {
  TestServer server(with_tls());
  TlsClient running(server.port());
  TlsClient idle(server.port());
  EXPECT_EQ(idle.ask(get("/pong")).status, 200);
  running.send(get("/sleep?ms=400"));
  EXPECT_TRUE(TestServer::eventually([&] { return server.server().in_flight() == 1; }));
  std::promise<bool> done;
  server.server().drain([&](bool whole) { done.set_value(whole); });
  const auto reply = running.read();
  EXPECT_EQ(reply.body, "slept");
  EXPECT_EQ(reply.header("connection"), "close");
  auto future = done.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(8)), std::future_status::ready);
  EXPECT_TRUE(future.get());
  EXPECT_TRUE(idle.ends());
  EXPECT_TRUE(idle.said_goodbye());
}

TEST(TlsServer, AHandshakeDuringADrainIsServed) {
  TestServer server(with_tls());
  std::promise<bool> done;
  const auto drain_first = [&] {
    EXPECT_TRUE(TestServer::eventually([&] { return server.server().connections().idle == 1; }));
    server.server().drain([&](bool whole) { done.set_value(whole); });
    std::this_thread::sleep_for(milliseconds(100));
  };
  TlsClient client(server.port(), {.before_handshake = drain_first});
  EXPECT_TRUE(client.secure());
  const auto reply = client.ask(get("/later"));
  EXPECT_EQ(reply.body, "later");
  EXPECT_EQ(reply.header("connection"), "close");
  auto future = done.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(8)), std::future_status::ready);
  EXPECT_TRUE(future.get());
}

TEST(TlsServer, NewKeysInBetweenAndRefusedRenegotiation) {
  TestServer server(with_tls());
  TlsClient fresh(server.port(), {.version = TLS1_3_VERSION});
  for (int turn = 0; turn < 20; ++turn) {
    SSL_key_update(fresh.ssl(), turn % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
    ASSERT_EQ(fresh.ask(get("/pong")).body, "pong") << turn;
  }
  EXPECT_EQ(fresh.ask(post("/echo", std::string(500000, 'k'))).body.size(), 500000U);
  TlsClient old(server.port(), {.version = TLS1_2_VERSION});
  EXPECT_EQ(old.ask(get("/pong")).status, 200);
  SSL_renegotiate(old.ssl());
  SSL_do_handshake(old.ssl());
  EXPECT_EQ(TlsClient(server.port()).ask(get("/pong")).status, 200);
}

TEST(TlsServer, CallersThatVanishInTheMiddleLeaveNothingBehind) {
  TestServer server(with_tls());
  for (int turn = 0; turn < 40; ++turn) {
    TlsClient client(server.port(), {.receive_buffer = 16 * 1024});
    client.send(get(turn % 2 == 0 ? "/stream?n=50000000" : "/sleep?ms=20"));
    if (turn % 3 == 0) client.more(1000);
    if (turn % 4 < 2) {
      client.reset();
    } else {
      client.close();
    }
  }
  EXPECT_TRUE(TestServer::eventually([&] {
    const auto counts = server.server().connections();
    return counts.active == 0 && counts.idle == 0 && server.server().in_flight() == 0;
  }));
  EXPECT_EQ(TlsClient(server.port()).ask(get("/pong")).status, 200);
}

TEST(TlsServer, TheUnixSocketStaysPlain) {
  auto settings = with_tls();
  const Folder folder;
  settings.unix_socket = folder.path + "/a.sock";
  TestServer server(settings);
  EXPECT_EQ(Client(settings.unix_socket).ask(get("/pong")).status, 200);
}

TEST(TlsServer, ANewCertificateIsForNewConnections) {
  const Folder folder;
  ServerSettings settings;
  settings.tls_cert_file = folder.path + "/cert.pem";
  settings.tls_key_file = folder.path + "/key.pem";
  const auto put = [&](const std::string& cert, const std::string& key) {
    std::filesystem::copy_file(file(cert), settings.tls_cert_file,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(file(key), settings.tls_key_file,
                               std::filesystem::copy_options::overwrite_existing);
  };
  put("one.pem", "one.key");
  TestServer server(settings);
  TlsClient before(server.port());
  EXPECT_EQ(before.name(), "one");
  EXPECT_EQ(before.ask(get("/pong")).status, 200);

  put("two.pem", "one.key");  // half of the new pair
  const auto refused = server.server().reload_certificate();
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().find("is not the key of"), std::string::npos);
  EXPECT_EQ(TlsClient(server.port()).name(), "one");

  put("two.pem", "two.key");
  ASSERT_TRUE(server.server().reload_certificate().has_value());
  EXPECT_TRUE(TestServer::eventually([&] { return TlsClient(server.port()).name() == "two"; }));
  EXPECT_EQ(before.ask(get("/later")).status, 200);
  std::filesystem::remove(settings.tls_key_file);
  EXPECT_FALSE(server.server().reload_certificate().has_value());
  for (int turn = 0; turn < 8; ++turn) EXPECT_EQ(TlsClient(server.port()).ask(get("/pong")).status, 200);
}

TEST(TlsServer, CanBeSwitchedOnAndOff) {
  TestServer server;
  auto plain = server.client();
  EXPECT_EQ(plain.ask(get("/pong")).status, 200);
  ASSERT_TRUE(server.server().apply(with_tls()).has_value());
  EXPECT_TRUE(
      TestServer::eventually([&] { return TlsClient(server.port()).ask(get("/pong")).status == 200; }));
  EXPECT_EQ(plain.ask(get("/pong")).status, 200);
  ASSERT_TRUE(server.server().apply({}).has_value());
  EXPECT_TRUE(TestServer::eventually([&] { return server.ask(get("/pong")).status == 200; }));
}

}  // namespace
}  // namespace athena::http
