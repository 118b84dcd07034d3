"""A bot as NoneBot's documents have it: its configuration is `.env` in the working directory."""

import nonebot
from nonebot import on_message
from nonebot.adapters.feishu import Adapter, Bot, MessageEvent

nonebot.init()
nonebot.get_driver().register_adapter(Adapter)
echo = on_message()


@echo.handle()
async def answer(bot: Bot, event: MessageEvent):
    await bot.send(event, f"you said: {event.get_plaintext()}")


nonebot.run()
