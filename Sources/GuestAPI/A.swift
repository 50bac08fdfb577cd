import Configuration
import Crypto
import Hummingbird
import ServiceLifecycle
