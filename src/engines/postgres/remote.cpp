#include "engines/postgres/remote.h"

#include <deque>

#include "engines/postgres/errors.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;
using engines::ExecutionContext;
using query::RowFlow;

constexpr std::size_t kBatchBytes = 32U << 10;
// A home that did not answer by then (it ends by the deadline and 0.5 s) has gone away.
constexpr std::chrono::milliseconds kHomeGrace{1000};

/// Rows on their way between two shards.
struct Batch {
  struct Cell {
    std::uint32_t length;
    const query::ValueFormat* format;
  };
  std::string text;
  std::vector<Cell> cells;
};

/// Stands for what runs on the home shard, whose connection cannot be looked at from here.
class Elsewhere final : public engines::Runner {
 public:
  [[nodiscard]] int backend_pid() const override { return -1; }
};

/// Between the engine on the home shard and the receiver on the caller's. Each member belongs to one side;
/// what both read is atomic.
class Bridge final : public std::enable_shared_from_this<Bridge>,
                     public query::RowSink,
                     public query::RowSource {
 public:
  Bridge(query::RowSink& sink, std::shared_ptr<Mailbox> caller, std::shared_ptr<Mailbox> home,
         std::int64_t window)
      : sink_(sink), caller_(std::move(caller)), home_(std::move(home)), window_(window) {}

  // ---- home side ----
  void begin(const query::RowShape& shape, query::RowSource& source) override {
    home_source_ = &source;
    // The plan these views point into ends before the caller has taken the last row.
    auto owned = std::make_shared<Shape>();
    for (const auto& column : shape.columns) owned->texts.emplace_back(column.name, column.type_name);
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
      owned->columns.push_back({owned->texts[i].first, owned->texts[i].second, shape.columns[i].hidden});
    }
    owned->ids.assign(shape.resource_id.begin(), shape.resource_id.end());
    owned->form = shape.form;
    width_ = owned->columns.size();
    shape_to_send_ = std::move(owned);
  }
  RowFlow row(std::span<const query::Cell> cells) override {
    if (stopped_.load(std::memory_order_relaxed)) return RowFlow::stop;
    for (const auto& cell : cells) {
      batch_.cells.push_back({static_cast<std::uint32_t>(cell.text.size()), cell.format});
      batch_.text.append(cell.text);
    }
    if (batch_.text.size() + batch_.cells.size() * sizeof(Batch::Cell) < kBatchBytes) return RowFlow::more;
    flush();
    if (under_way_.load() <= window_) return RowFlow::more;
    paused_.store(true);
    // The other side may have drained it in between; then nobody would wake us.
    return under_way_.load() > window_ || !paused_.exchange(false) ? RowFlow::pause : RowFlow::more;
  }
  bool restart() override {
    batch_ = {};
    return !sent_;
  }
  void flush() {
    if (shape_to_send_ == nullptr && batch_.cells.empty()) return;
    sent_ = sent_ || !batch_.cells.empty();
    const auto bytes = size_of(batch_);
    under_way_.fetch_add(bytes);
    caller_->post([self = shared_from_this(), shape = std::move(shape_to_send_), batch = std::move(batch_),
                   width = width_]() mutable { self->deliver(std::move(shape), std::move(batch), width); });
    shape_to_send_ = nullptr;
    batch_ = {};
  }
  void home_is_done() { home_source_ = nullptr; }
  engines::Cancellation cancellation;
  std::vector<std::string> sql;
  engines::Trace trace;

  // ---- caller side ----
  void resume() override {
    caller_->post([self = shared_from_this()] {
      self->caller_paused_ = false;
      self->pass_on();
    });
  }
  void cancel(bool by_operator) {
    home_->post([self = shared_from_this(), by_operator] {
      if (by_operator) return self->cancellation.request_by_operator();
      self->cancellation.request();
    });
  }
  [[nodiscard]] bool drained() const { return waiting_.empty(); }
  /// Calls back when every row is passed on. One at a time.
  void when_drained(base::Completion<int> completion) { drained_ = std::move(completion); }
  /// Nobody takes rows any more.
  void leave() {
    left_ = true;
    stopped_ = true;
    waiting_.clear();
    if (paused_.exchange(false)) wake_home();
    if (drained_) drained_(0);
  }

 private:
  struct Shape {
    std::deque<std::pair<std::string, std::string>> texts;
    std::vector<query::OutputColumn> columns;
    std::vector<std::uint16_t> ids;
    query::RowShape::Form form = query::RowShape::Form::rows;
  };
  struct Waiting {
    Batch batch;
    std::size_t width, cell = 0, byte = 0;
  };
  static std::int64_t size_of(const Batch& batch) {
    return static_cast<std::int64_t>(batch.text.size() + batch.cells.size() * sizeof(Batch::Cell));
  }

  void deliver(std::shared_ptr<Shape> shape, Batch batch, std::size_t width) {
    if (left_) return;
    if (shape != nullptr) {
      shape_ = std::move(shape);
      sink_.begin({shape_->columns, shape_->ids, shape_->form}, *this);
    }
    waiting_.push_back({std::move(batch), width});
    pass_on();
  }
  void pass_on() {
    while (!waiting_.empty() && !caller_paused_) {
      Waiting& front = waiting_.front();
      while (front.cell < front.batch.cells.size() && !caller_paused_ &&
             !stopped_.load(std::memory_order_relaxed)) {
        cells_.clear();
        for (std::size_t i = 0; i < front.width; ++i) {
          const auto& cell = front.batch.cells[front.cell++];
          cells_.push_back({std::string_view(front.batch.text).substr(front.byte, cell.length), cell.format});
          front.byte += cell.length;
        }
        const auto flow = sink_.row(cells_);
        if (flow == RowFlow::pause) caller_paused_ = true;
        if (flow == RowFlow::stop) stopped_ = true;
      }
      if (front.cell < front.batch.cells.size() && !stopped_) return;
      under_way_.fetch_sub(size_of(front.batch));
      waiting_.pop_front();
      if (under_way_.load() <= window_ / 2 && paused_.exchange(false)) wake_home();
    }
    if (waiting_.empty() && drained_) drained_(0);
  }
  void wake_home() {
    home_->post([self = shared_from_this()] {
      if (self->home_source_ != nullptr) self->home_source_->resume();
    });
  }

  // Home side.
  query::RowSource* home_source_ = nullptr;
  std::shared_ptr<Shape> shape_to_send_;
  std::size_t width_ = 0;
  Batch batch_;
  bool sent_ = false;
  // Caller side.
  query::RowSink& sink_;
  std::shared_ptr<Shape> shape_;
  std::deque<Waiting> waiting_;
  std::vector<query::Cell> cells_;
  bool caller_paused_ = false;
  bool left_ = false;
  base::Completion<int> drained_;
  // Both.
  const std::shared_ptr<Mailbox> caller_, home_;
  const std::int64_t window_;
  std::atomic<std::int64_t> under_way_{0};
  std::atomic<bool> paused_{false}, stopped_{false};
};

/// What a call on another shard comes to; written there, read here after `done` was posted.
template <class R>
struct Call {
  explicit Call(R unanswered) : result(std::move(unanswered)) {}
  R result;
  base::Completion<int> done;  ///< caller side
  void answer() {
    if (done) done(0);
  }
};

template <class R>
base::Task<> answer_from_home(base::Task<R> work, std::shared_ptr<Call<R>> call,
                              std::shared_ptr<Mailbox> caller) {
  auto result = co_await std::move(work);
  caller->post([call, result = std::make_shared<R>(std::move(result))] {
    call->result = std::move(*result);
    call->answer();
  });
}

class RemoteBackend final : public engines::Backend,
                            public engines::QueryBackend,
                            public engines::RawBackend,
                            public engines::FunctionBackend,
                            public engines::SchemaBackend {
 public:
  RemoteBackend(std::shared_ptr<Client> client, base::Shard& shard)
      : client_(std::move(client)), shard_(shard), mailbox_(std::make_shared<Mailbox>(shard)) {}
  ~RemoteBackend() override { mailbox_->close(); }

  engines::QueryBackend* query() override { return this; }
  engines::SchemaBackend* schema() override { return this; }
  engines::RawBackend* raw() override { return this; }
  engines::FunctionBackend* functions() override { return this; }
  void shutdown() override { shut_down_ = true; }
  void forget_schema() override {}  // every home shard forgets by itself

  base::Task<contract::Result<query::Summary>> execute(const query::Request& request, query::RowSink& sink,
                                                       const ExecutionContext& context) override {
    auto done = co_await with_rows(sink, context,
                                   [request = &request](engines::Backend& backend, query::RowSink& rows,
                                                        const ExecutionContext& at_home) {
                                     return backend.query()->execute(*request, rows, at_home);
                                   });
    co_return done;
  }
  base::Task<contract::Result<query::Summary>> run(const query::RawText& raw, query::RowSink& sink,
                                                   const ExecutionContext& context) override {
    auto done = co_await with_rows(
        sink, context,
        [raw = &raw](engines::Backend& backend, query::RowSink& rows, const ExecutionContext& at_home) {
          return backend.raw()->run(*raw, rows, at_home);
        });
    co_return done;
  }
  base::Task<contract::Result<query::Summary>> call(const query::FunctionCall& call, query::RowSink& sink,
                                                    const ExecutionContext& context) override {
    auto done = co_await with_rows(
        sink, context,
        [call = &call](engines::Backend& backend, query::RowSink& rows, const ExecutionContext& at_home) {
          return backend.functions()->call(*call, rows, at_home);
        });
    co_return done;
  }
  base::Task<contract::Result<std::vector<query::FunctionSignature>>> signatures(
      std::string schema, std::string function, base::Deadline deadline) override {
    auto result = co_await ask<contract::Result<std::vector<query::FunctionSignature>>>(
        deadline, [schema, function, deadline](engines::Backend& backend) {
          return backend.functions()->signatures(schema, function, deadline);
        });
    co_return result;
  }

  base::Task<contract::Result<std::vector<engines::TableInfo>>> tables(engines::TableQuery query,
                                                                       base::Deadline deadline) override {
    auto result = co_await ask<contract::Result<std::vector<engines::TableInfo>>>(
        deadline,
        [query, deadline](engines::Backend& backend) { return backend.schema()->tables(query, deadline); });
    co_return result;
  }
  base::Task<contract::Result<std::vector<engines::ColumnInfo>>> columns(std::string schema,
                                                                         std::string table,
                                                                         base::Deadline deadline) override {
    auto result = co_await ask<contract::Result<std::vector<engines::ColumnInfo>>>(
        deadline, [schema, table, deadline](engines::Backend& backend) {
          return backend.schema()->columns(schema, table, deadline);
        });
    co_return result;
  }
  base::Task<contract::Result<std::vector<engines::ConstraintInfo>>> constraints(
      std::string schema, std::string table, base::Deadline deadline) override {
    auto result = co_await ask<contract::Result<std::vector<engines::ConstraintInfo>>>(
        deadline, [schema, table, deadline](engines::Backend& backend) {
          return backend.schema()->constraints(schema, table, deadline);
        });
    co_return result;
  }
  base::Task<contract::Result<std::optional<std::vector<engines::MigrationInfo>>>> migrations(
      std::int64_t limit, base::Deadline deadline) override {
    auto result = co_await ask<contract::Result<std::optional<std::vector<engines::MigrationInfo>>>>(
        deadline, [limit, deadline](engines::Backend& backend) {
          return backend.schema()->migrations(limit, deadline);
        });
    co_return result;
  }
  base::Task<contract::Result<std::vector<engines::TableDescription>>> describe(
      std::string schema, std::int64_t limit, base::Deadline deadline) override {
    auto result = co_await ask<contract::Result<std::vector<engines::TableDescription>>>(
        deadline, [schema, limit, deadline](engines::Backend& backend) {
          return backend.schema()->describe(schema, limit, deadline);
        });
    co_return result;
  }

 private:
  static Error away() { return {ErrorCode::backend_unreachable, "The client is being shut down."}; }
  [[nodiscard]] std::optional<Client::Home> find_home() const {
    if (shut_down_) return std::nullopt;
    return client_->home(shard_.index() % client_->home_shards());
  }

  /// A request whose rows come back over a bridge. `start(backend, sink, context)` makes the task on the home
  /// shard; what it refers to outlives the request.
  template <class Start>
  base::Task<contract::Result<query::Summary>> with_rows(query::RowSink& sink,
                                                         const ExecutionContext& context, Start start) {
    const auto home = find_home();
    if (!home) co_return away();
    auto bridge =
        std::make_shared<Bridge>(sink, mailbox_, home->mailbox, client_->limits().result_window_bytes);
    if (context.cancellation != nullptr) {
      context.cancellation->on_request(
          [&bridge, by = context.cancellation] { bridge->cancel(by->by_operator()); });
    }
    struct Guard {
      engines::Cancellation* cancellation;
      Bridge& bridge;
      ~Guard() {
        if (cancellation != nullptr) cancellation->on_request({});
        bridge.leave();
      }
    } guard{context.cancellation, *bridge};
    const bool explain = context.sql != nullptr;
    bridge->trace.timed = context.trace != nullptr && context.trace->timed;
    static const Elsewhere elsewhere;
    if (context.trace != nullptr) context.trace->runner = &elsewhere;
    auto result = co_await at_home<contract::Result<query::Summary>>(
        *home, context.deadline, [start, bridge, context = &context, explain](engines::Backend& backend) {
          return run_at_home(backend, start, bridge, context->deadline, context->max_rows, context->exclusive,
                             explain);
        });
    if (context.trace != nullptr) {
      *context.trace = bridge->trace;
      context.trace->runner = nullptr;  // one of the home shard
    }
    if (explain) context.sql->insert(context.sql->end(), bridge->sql.begin(), bridge->sql.end());
    if (!bridge->drained()) {
      base::Timer timer([&bridge] { bridge->leave(); });
      auto resumed =
          co_await base::suspend<int>([this, &bridge, &timer, &context](base::Completion<int> completion) {
            bridge->when_drained(std::move(completion));
            shard_.timers().arm(timer, context.deadline.at());
          });
      static_cast<void>(resumed);
      if (context.deadline.expired()) co_return deadline_error();
    }
    co_return result;
  }

  template <class Start>
  static base::Task<contract::Result<query::Summary>> run_at_home(engines::Backend& backend, Start start,
                                                                  std::shared_ptr<Bridge> bridge,
                                                                  base::Deadline deadline,
                                                                  std::int64_t max_rows, bool exclusive,
                                                                  bool explain) {
    std::pmr::monotonic_buffer_resource memory;
    ExecutionContext context{
        deadline,      memory, max_rows, exclusive, &bridge->cancellation, explain ? &bridge->sql : nullptr,
        &bridge->trace};
    auto result = co_await start(backend, static_cast<query::RowSink&>(*bridge), context);
    bridge->home_is_done();
    bridge->flush();
    co_return result;
  }

  /// A question without rows.
  template <class R, class Start>
  base::Task<R> ask(base::Deadline deadline, Start start) {
    const auto home = find_home();
    if (!home) co_return away();
    auto result = co_await at_home<R>(*home, deadline, std::move(start));
    co_return result;
  }

  /// Runs `start(backend)` on the home shard and comes back with what it returns.
  template <class R, class Start>
  base::Task<R> at_home(Client::Home home, base::Deadline deadline, Start start) {
    auto call = std::make_shared<Call<R>>(R(away()));
    base::Timer timer([&call] { call->answer(); });
    auto resumed = co_await base::suspend<int>([&](base::Completion<int> completion) {
      call->done = std::move(completion);
      shard_.timers().arm(timer, deadline.at() + kHomeGrace);
      home.mailbox->post(
          [call, caller = mailbox_, backend = home.backend, shard = home.shard, start = std::move(start)] {
            base::asio::co_spawn(shard->context().get_executor(),
                                 answer_from_home<R>(start(*backend), call, caller), base::asio::detached);
          });
    });
    static_cast<void>(resumed);
    co_return std::move(call->result);
  }

  std::shared_ptr<Client> client_;
  base::Shard& shard_;
  std::shared_ptr<Mailbox> mailbox_;
  bool shut_down_ = false;
};

}  // namespace

std::unique_ptr<engines::Backend> make_remote_backend(std::shared_ptr<Client> client, base::Shard& shard) {
  return std::make_unique<RemoteBackend>(std::move(client), shard);
}

}  // namespace athena::postgres
