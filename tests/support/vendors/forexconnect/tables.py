"""Tables whose rows go on changing, and their listeners."""

import datetime

EPOCH = datetime.datetime(1970, 1, 1)
# What a time shows that was never set.
DAY_0 = datetime.datetime(1899, 12, 30)


class Column(object):
    def __init__(self, column_id, is_key=False):
        self.id = column_id
        self.is_key = is_key


class Row(object):
    """Attributes in snake_case, columns by `row[column.id]`."""

    def __init__(self, names, **values):
        self._names = names
        self.__dict__.update(values)

    def __getitem__(self, column_id):
        return getattr(self, self._names[column_id])


class Table(object):
    def __init__(self, names, rows):
        self.columns = [Column(column_id, at == 0) for at, column_id in enumerate(names)]
        self.rows = rows
        self.listeners = []

    def __iter__(self):
        return iter(self.rows)


class TableListener(object):
    def __init__(self, table, on_add, on_delete, on_change, on_status):
        self.table = table
        self.on_add, self.on_change = on_add, on_change
        self.on_delete, self.on_status = on_delete, on_status
        table.listeners.append(self)

    def unsubscribe(self):
        self.table.listeners.remove(self)


class Common(object):
    # Positionally the order is added, deleted, changed: not what one expects.
    @staticmethod
    def subscribe_table_updates(table=None, on_add_callback=None, on_delete_callback=None,
                                on_change_callback=None, on_status_change_callback=None):
        return TableListener(table, on_add_callback, on_delete_callback, on_change_callback,
                             on_status_change_callback)


OFFER_NAMES = {
    "OfferID": "offer_id", "Instrument": "instrument", "QuoteID": "quote_id", "Bid": "bid",
    "Ask": "ask", "Low": "low", "High": "high", "Volume": "volume", "Time": "time",
    "BidTradable": "bid_tradable", "AskTradable": "ask_tradable", "Digits": "digits",
    "PointSize": "point_size", "SubscriptionStatus": "subscription_status",
    "InstrumentType": "instrument_type", "ContractCurrency": "contract_currency",
    "ContractMultiplier": "contract_multiplier", "TradingStatus": "trading_status",
    "ValueDate": "value_date", "BuyInterest": "buy_interest", "SellInterest": "sell_interest",
    "PipCost": "pip_cost",
}


def offer_row(offer_id, scripted):
    return Row(OFFER_NAMES, offer_id=offer_id, instrument=scripted["instrument"], quote_id="Q0",
               bid=0.0, ask=0.0, low=0.0, high=float("nan"), volume=0, time=DAY_0,
               bid_tradable="T", ask_tradable="T", digits=scripted.get("digits", 5),
               point_size=0.0001, subscription_status=scripted.get("status", "T"),
               instrument_type=1, contract_currency="EUR", contract_multiplier=1.0,
               trading_status="O", value_date="", buy_interest=-0.3, sell_interest=0.1,
               pip_cost=0.1)


def account_row():
    names = {"AccountID": "account_id", "AccountName": "account_name"}
    return Row(names, account_id="00654061", account_name="00654061")


def show(row, ms, bid, ask):
    """Offers carry whole seconds."""
    row.time = EPOCH + datetime.timedelta(seconds=ms // 1000)
    row.bid, row.ask = bid, ask
