// The protocol state machine against a server's part spoken by the test over a socket pair.
#include "engines/postgres/connection.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace athena::postgres {
namespace {

using namespace std::string_literals;
using Outcome = Operation::Outcome;

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string u32(std::size_t value) {
  return u16(static_cast<unsigned>(value >> 16)) + u16(value & 0xFFFF);
}
std::string frame(char type, const std::string& body = "") {
  return type + u32(body.size() + 4) + body;
}
std::string columns(int count) {
  std::string body = u16(static_cast<unsigned>(count));
  for (int i = 0; i < count; ++i)
    body += "c\0"s + u32(0) + u16(0) + u32(25) + u16(0xFFFF) + u32(0xFFFFFFFF) + u16(0);
  return frame('T', body);
}
std::string row(const std::string& value) {
  return frame('D', u16(1) + u32(value.size()) + value);
}
std::string error(const std::string& state, const std::string& routine = "x",
                  const std::string& severity = "ERROR") {
  return frame('E', "S" + severity + "\0V"s + severity + "\0C"s + state + "\0Mtext\0R"s + routine + "\0\0"s);
}
const std::string kParsed = frame('1') + frame('t', u16(0));
const std::string kBound = frame('2');
const std::string kReady = frame('Z', "I");
std::string selected(const std::string& value) {
  return kBound + row(value) + frame('C', "SELECT 1\0"s) + kReady;
}
std::string parsed_and_selected(const std::string& value) {
  return kParsed + columns(1) + selected(value);
}

class Request final : public Operation {
 public:
  explicit Request(std::string_view text, Protocol how = Protocol::prepared) {
    sql = text;
    protocol = how;
  }
  ~Request() override {
    if (Connection* const on = Operation::connection(); on != nullptr) on->abandon(*this, false);
  }
  bool on_columns(std::span<const query::ValueFormat* const> formats) override {
    formats_ = formats;
    return formats.size() == expected;
  }
  query::RowFlow on_row(std::string_view body) override {
    query::Cell cell;
    if (wire::read_row(body, formats_, {&cell, 1})) rows.emplace_back(cell.text);
    return flow;
  }
  void on_finished() override { ++finished; }

  std::size_t expected = 1;
  query::RowFlow flow = query::RowFlow::more;
  std::vector<std::string> rows;
  int finished = 0;

 private:
  std::span<const query::ValueFormat* const> formats_;
};

class ConnectionTest : public testing::Test, public ConnectionOwner {
 protected:
  void SetUp() override {
    std::array<int, 2> sockets{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets.data()), 0);
    server_ = sockets[1];
    settings.counters = &counters;
    settings.prepared_statements = 2;
    connection =
        std::make_shared<Connection>(shard, mailbox, Session::over_socket(sockets[0]), settings, *this);
    connection->start();
  }
  void TearDown() override {
    connection->close();
    mailbox->close();
    shard.timers().stop();
    connection.reset();
    turn();
    if (server_ >= 0) ::close(server_);
  }
  void turn() {
    shard.context().restart();
    shard.context().poll();
  }
  /// What the client has written since the last call, as the type bytes of its frames; statement texts and
  /// names of Parse, Close.
  std::string sent() {
    turn();
    std::array<char, 65536> buffer{};
    const auto got = ::recv(server_, buffer.data(), buffer.size(), 0);
    std::string_view bytes(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    std::string seen;
    while (!bytes.empty()) {
      const auto found = wire::next_frame(bytes);
      if (found.status != wire::Frame::Status::whole) return seen + "?";
      seen += found.type;
      if (found.type == 'P') seen += "(" + std::string(found.body.substr(0, found.body.find('\0'))) + ")";
      if (found.type == 'C') seen += "(" + std::string(found.body.substr(1, found.body.find('\0') - 1)) + ")";
      bytes.remove_prefix(found.size);
    }
    return seen;
  }
  void reply(const std::string& bytes) {
    ASSERT_EQ(::send(server_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    turn();
  }
  void hang_up() {
    ::close(server_);
    server_ = -1;
    turn();
  }

  void on_free(Connection&) override { ++freed; }
  void on_closed(Connection&, bool was_broken, bool had) override {
    ++closed;
    broken = was_broken;
    had_work = had;
  }
  void on_deserted(Connection&) override {}
  const query::ValueFormat& format(std::uint32_t) override { return text; }

  const query::ValueFormat text{};
  base::Shard shard{0};
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>(shard);
  PreparedCache::Counters counters;
  Connection::Settings settings;
  std::shared_ptr<Connection> connection;
  int freed = 0, closed = 0;
  bool broken = false, had_work = false;
  int server_ = -1;
};

TEST_F(ConnectionTest, OneTurnIsOneWriteAndAnswersComeInOrder) {
  Request a("A"), b("B"), again("A");
  connection->submit(a);
  connection->submit(b);
  connection->submit(again);
  EXPECT_EQ(sent(), "P(s1)DBESP(s2)DBESBES");
  reply(parsed_and_selected("1") + parsed_and_selected("2") + selected("3"));
  EXPECT_EQ(a.rows, std::vector<std::string>{"1"});
  EXPECT_EQ(b.rows, std::vector<std::string>{"2"});
  EXPECT_EQ(again.rows, std::vector<std::string>{"3"});
  EXPECT_EQ(again.outcome, Outcome::done);
  EXPECT_EQ(again.affected, 1);
  EXPECT_EQ(freed, 3);
  EXPECT_EQ(counters.prepared, 2U);
}

TEST_F(ConnectionTest, AnswersAreTheSameHoweverTheyAreCut) {
  const std::string stream = parsed_and_selected("one") + parsed_and_selected("two");
  for (std::size_t split = 1; split < stream.size(); ++split) {
    SCOPED_TRACE(split);
    TearDown();
    SetUp();
    Request a("A"), b("B");
    connection->submit(a);
    connection->submit(b);
    sent();
    reply(stream.substr(0, split));
    reply(stream.substr(split));
    ASSERT_EQ(a.rows, std::vector<std::string>{"one"});
    ASSERT_EQ(b.rows, std::vector<std::string>{"two"});
  }
}

TEST_F(ConnectionTest, AFailedParseIsNotCachedAndTouchesNobodyElse) {
  Request bad("BAD"), good("GOOD"), behind("BAD");
  connection->submit(bad);
  connection->submit(good);
  connection->submit(behind);  // relies on the Parse of the first
  sent();
  reply(error("42601") + kReady + parsed_and_selected("x") + error("26000") + kReady);
  EXPECT_EQ(bad.outcome, Outcome::error);
  EXPECT_EQ(bad.error->sql_state, "42601");
  EXPECT_EQ(good.outcome, Outcome::done);
  EXPECT_EQ(behind.outcome, Outcome::prepare_again);
  Request once_more("BAD");
  connection->submit(once_more);
  EXPECT_EQ(sent(), "P(s3)DBES");
}

TEST_F(ConnectionTest, TheLeastRecentlyUsedStatementIsClosed) {
  Request a("A"), b("B"), a2("A"), c("C"), b2("B");
  for (auto* request : {&a, &b, &a2, &c, &b2}) connection->submit(*request);
  // C pushes B out, although B's answer is still to come; then B pushes A out.
  EXPECT_EQ(sent(), "P(s1)DBESP(s2)DBESBESC(s2)P(s3)DBESC(s1)P(s4)DBES");
  reply(parsed_and_selected("a") + parsed_and_selected("b") + selected("a2") + frame('3') +
        parsed_and_selected("c") + frame('3') + parsed_and_selected("b2"));
  EXPECT_EQ(b.rows, std::vector<std::string>{"b"});
  EXPECT_EQ(b2.rows, std::vector<std::string>{"b2"});
  EXPECT_EQ(counters.evicted, 2U);
}

TEST_F(ConnectionTest, OtherParameterTypesAreAnotherStatement) {
  const sql::Bind number[] = {{sql::Bind::Kind::text, 20, "1"}}, word[] = {{sql::Bind::Kind::text, 25, "1"}};
  Request a("A"), b("A");
  a.binds = number;
  b.binds = word;
  connection->submit(a);
  connection->submit(b);
  EXPECT_EQ(sent(), "P(s1)DBESC(s1)P(s2)DBES");
}

TEST_F(ConnectionTest, AnOutdatedPlanIsPreparedAgain) {
  Request a("A"), b("A"), c("A");
  connection->submit(a);
  reply(parsed_and_selected("1"));
  connection->submit(b);
  sent();
  reply(error("0A000", "RevalidateCachedQuery") + kReady);
  EXPECT_EQ(b.outcome, Outcome::prepare_again);
  connection->submit(c);
  EXPECT_EQ(sent(), "P(s2)DBES");
  reply(kParsed + columns(1) + error("0A000", "somewhere_else") + kReady);
  EXPECT_EQ(c.outcome, Outcome::error);
}

TEST_F(ConnectionTest, ColumnsThatWereNotCompiledFor) {
  Request a("A");
  connection->submit(a);
  sent();
  reply(kParsed + columns(2) + kBound + frame('D', u16(2) + u32(0) + u32(0)) + frame('C', "SELECT 1\0"s) +
        kReady);
  EXPECT_EQ(a.outcome, Outcome::prepare_again);
  EXPECT_TRUE(a.rows.empty());
}

TEST_F(ConnectionTest, LostConnections) {
  Request read("A"), waiting("B"), unsent("C");
  connection->submit(read);
  connection->submit(waiting);
  sent();
  reply(kParsed + columns(1) + kBound + row("1"));
  connection->submit(unsent);  // its bytes are still here
  hang_up();
  EXPECT_EQ(read.outcome, Outcome::lost);
  EXPECT_TRUE(read.sent);
  EXPECT_TRUE(read.reply_seen);
  EXPECT_TRUE(waiting.sent);
  EXPECT_FALSE(waiting.reply_seen);
  EXPECT_EQ(unsent.outcome, Outcome::lost);
  EXPECT_FALSE(unsent.sent);
  EXPECT_EQ(closed, 1);
  EXPECT_TRUE(broken);
  EXPECT_TRUE(had_work);
}

TEST_F(ConnectionTest, LastWords) {
  Request a("A");
  connection->submit(a);
  sent();
  reply(error("57P01", "x", "FATAL"));
  EXPECT_EQ(a.outcome, Outcome::lost);
  ASSERT_NE(a.error, nullptr);
  EXPECT_EQ(a.error->sql_state, "57P01");
  EXPECT_FALSE(a.reply_seen);
  EXPECT_FALSE(connection->open());
}

TEST_F(ConnectionTest, WhoLeavesIsNotTouchedAnyMore) {
  Request b("B");
  {
    Request a("A");
    connection->submit(a);
    connection->submit(b);
    sent();
    connection->abandon(a, true);
  }
  reply(parsed_and_selected("1") + parsed_and_selected("2"));
  EXPECT_EQ(b.rows, std::vector<std::string>{"2"});
}

TEST_F(ConnectionTest, PauseAndStop) {
  Request a("A"), b("B");
  a.flow = query::RowFlow::pause;
  connection->submit(a);
  connection->submit(b);
  sent();
  reply(kParsed + columns(1) + kBound + row("1") + row("2") + frame('C', "SELECT 2\0"s) + kReady + kParsed +
        columns(1) + kBound + row("3") + row("4") + frame('C', "SELECT 2\0"s) + kReady);
  EXPECT_EQ(a.rows.size(), 1U);
  EXPECT_FALSE(connection->takes_work());
  connection->resume();
  turn();
  EXPECT_EQ(a.rows.size(), 2U);
  EXPECT_EQ(a.finished, 0);
  b.flow = query::RowFlow::stop;
  connection->resume();
  turn();
  EXPECT_EQ(a.outcome, Outcome::done);
  EXPECT_EQ(b.outcome, Outcome::stopped);
  EXPECT_EQ(b.rows.size(), 1U);
  EXPECT_TRUE(connection->takes_work());
}

TEST_F(ConnectionTest, AStrayCancelIsToldFromAnother) {
  Request target("A"), next("B"), later("B");
  connection->submit(target);
  connection->submit(next);
  sent();
  connection->begin_cancel();
  EXPECT_FALSE(connection->takes_work());
  connection->cancel_delivered();
  reply(parsed_and_selected("1"));  // it was through before the cancel came
  EXPECT_EQ(target.outcome, Outcome::done);
  EXPECT_TRUE(connection->takes_work());
  reply(kParsed + columns(1) + kBound + error("57014") + kReady);
  EXPECT_EQ(next.outcome, Outcome::stray_cancel);
}

TEST_F(ConnectionTest, ACancelOfSomebodyElse) {
  Request a("A");
  connection->submit(a);
  sent();
  reply(kParsed + columns(1) + kBound + error("57014") + kReady);
  EXPECT_EQ(a.outcome, Outcome::error);
}

TEST_F(ConnectionTest, ARowAboveTheLimitEndsTheConnection) {
  Request a("A"), b("B");
  connection->submit(a);
  connection->submit(b);
  sent();
  reply(kParsed + columns(1) + kBound + "D" + u32(wire::kMaxFrame + 5));
  EXPECT_EQ(a.outcome, Outcome::too_large);
  EXPECT_EQ(b.outcome, Outcome::lost);
  EXPECT_FALSE(connection->open());
  EXPECT_FALSE(broken);  // the backend is well
}

TEST_F(ConnectionTest, CopyIsRefused) {
  Request in("A"), out("B"), simple("COPY", Operation::Protocol::simple);
  in.expected = out.expected = 0;
  connection->submit(in);
  EXPECT_EQ(sent(), "P(s1)DBES");
  reply(kParsed + frame('n') + kBound + frame('G', "\0\0\0"s));
  EXPECT_EQ(sent(), "fS");
  reply(error("57014") + kReady);
  EXPECT_EQ(in.outcome, Outcome::copy);
  connection->submit(out);
  sent();
  reply(kParsed + frame('n') + kBound + frame('H', "\0\0\0"s) + frame('d', "x") + frame('c') +
        frame('C', "COPY 1\0"s) + kReady);
  EXPECT_EQ(out.outcome, Outcome::copy);
  connection->submit(simple);
  sent();
  reply(frame('G', "\0\0\0"s));
  EXPECT_EQ(sent(), "f");
}

TEST_F(ConnectionTest, AServerOutOfStepIsLeft) {
  reply(kReady);
  EXPECT_FALSE(connection->open());
  EXPECT_TRUE(broken);
  EXPECT_FALSE(had_work);
}

TEST_F(ConnectionTest, MessagesOfTheServersOwnMayComeAtAnyTime) {
  Request a("A");
  const std::string noise =
      frame('N', "SNOTICE\0Mx\0\0"s) + frame('S', "a\0b\0"s) + frame('A', u32(1) + "c\0p\0"s);
  reply(noise);
  connection->submit(a);
  sent();
  reply(noise + kParsed + noise + columns(1) + noise + kBound + row("1") + noise + row("2") +
        frame('C', "SELECT 2\0"s) + noise + kReady + noise);
  EXPECT_EQ(a.rows.size(), 2U);
  EXPECT_TRUE(connection->open());
}

}  // namespace
}  // namespace athena::postgres
